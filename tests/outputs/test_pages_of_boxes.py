"""The page and the paragraph of a profile of boxes say every number that it asks for."""

import pytest

from oncohort.outputs import methods_paragraph, profile_page
from oncohort.outputs.formulas import BOX_FORMULAS
from oncohort.profiles import load_profile

NAMES = ("lung-dx-2d", "lung-dx-3d")


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_a_row_per_number_and_per_key(name):
    profile = load_profile(name)
    page = profile_page(profile)
    section = page.split("## Of boxes by falling score")[1]
    for rule in profile.box_metric:
        (row,) = [line for line in section.splitlines() if line.startswith(f"| `{rule.column}` |")]
        assert BOX_FORMULAS[rule.name] in row
        assert f"| {rule.weight:g} |" in row
    for key, value in profile.boxes.model_dump().items():
        if key != "linking" and value is not None:
            assert f"| `boxes.{key}` |" in page
    if profile.boxes.linking is not None:
        assert all(f"| `boxes.linking.{key}` |" in page for key in profile.boxes.linking.model_dump())
    assert "voxel" not in page.split("## Metrics")[1].split("## Empty")[0]


def test_rows_say_hit_matching_and_where_a_curve_is_read():
    page = profile_page(load_profile("lung-dx-2d"))
    (area,) = [line for line in page.splitlines() if line.startswith("| `voc_ap_50` |")]
    assert "| IoU >= 0.5 | voc | all-point |" in area
    (mean,) = [line for line in page.splitlines() if line.startswith("| `coco_map` |")]
    assert "| IoU 0.5 to 0.95, step 0.05 | coco | 101-point |" in mean
    (cpm,) = [line for line in page.splitlines() if line.startswith("| `froc_cpm` |")]
    assert "| centres < 0.5 longest edge of R | luna | 0.125, 0.25, 0.5, 1, 2, 4, 8 per slice |" in cpm


@pytest.mark.parametrize("name", NAMES)
def test_the_paragraph_speaks_of_boxes(name):
    text = methods_paragraph(load_profile(name))
    assert "The reference consists of the boxes" in text
    assert "mask" not in text.replace("masks", "mask")
    assert "IoU" in text
