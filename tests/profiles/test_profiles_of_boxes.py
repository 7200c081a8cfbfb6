from importlib.resources import files

import pytest

from oncohort.errors import SettingsError
from oncohort.profiles import View, compare_profiles, load_profile, parse_profile

TEXTS = {
    name: (files("oncohort.profiles") / "data" / f"{name}.toml").read_text() for name in ("lung-dx-2d", "lung-dx-3d")
}
MASKS = (files("oncohort.profiles") / "data" / "lesions.toml").read_text()


def test_2d_is_voc_at_a_half_and_coco_over_its_range():
    """lung_pet_ct_dx.md, section 5: VOC 2007 and 2010, COCO IoU .50:.05:.95 with 100 detections, CPM by centre."""
    profile = load_profile("lung-dx-2d")
    assert (profile.kind, profile.boxes.dimension, profile.boxes.image) == ("boxes", 2, "slice")
    assert profile.boxes.max_detections == 100
    rules = {rule.column: rule for rule in profile.box_metric}
    assert rules["voc_ap_50"].views(profile.boxes) == (View("iou", 0.5, "voc"),)
    assert rules["voc_ap_50"].interpolation == "all-point"
    assert rules["voc07_ap_50"].interpolation == "11-point"
    thresholds = [view.threshold for view in rules["coco_map"].views(profile.boxes)]
    assert thresholds == [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
    assert {view.matching for view in rules["coco_map"].views(profile.boxes)} == {"coco"}
    assert rules["froc_cpm"].views(profile.boxes) == (View("centre", 0.5, "luna"),)
    assert rules["froc_cpm"].rates == (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


def test_3d_is_as_in_nndetection():
    """The same section: AP at IoU 0.1, mAP 0.1:0.05:0.5, maxDets 100, 101-point; linking and merging of section 4."""
    profile = load_profile("lung-dx-3d")
    boxes = profile.boxes
    assert (boxes.dimension, boxes.image, boxes.threshold, boxes.interpolation) == (3, "scan", 0.1, "101-point")
    assert (boxes.linking.minimum_iou, boxes.linking.maximum_steps, boxes.linking.merge_iou) == (0.2, 3, 0.3)
    rules = {rule.column: rule for rule in profile.box_metric}
    thresholds = [view.threshold for view in rules["map"].views(boxes)]
    assert thresholds == [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5]
    assert rules["ap_10"].views(boxes) == (View("iou", 0.1, "coco"),)


def test_a_matching_is_computed_once_and_that_of_the_counts_comes_first():
    views = load_profile("lung-dx-2d").views
    assert views[0] == View("iou", 0.5, "coco")
    assert len(views) == len(set(views)) == 12


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("lung-dx-2d", 'kind = "boxes"', 'kind = "masks"', "boxes, box_metric belongs to a profile of boxes"),
        ("lung-dx-2d", 'kind = "boxes"', 'kind = "points"', "kind"),
        ("lung-dx-2d", "dimension = 2", "dimension = 3", "an image of dimension 2 is a slice"),
        ("lung-dx-2d", "dimension = 2", "dimension = 4", "boxes.dimension"),
        ("lung-dx-3d", 'image = "scan"', 'image = "slice"', "an image of dimension 2 is a slice"),
        ("lung-dx-3d", 'image = "scan"', 'image = "series"', "merge_iou belongs to images that are scans"),
        ("lung-dx-3d", "merge_iou = 0.3\n", "", "merge_iou belongs to images that are scans"),
        ("lung-dx-3d", 'pixel_rule = "half-open"', 'pixel_rule = "inclusive"', "compared in mm"),
        ("lung-dx-2d", 'pixel_rule = "half-open"', 'pixel_rule = "open"', "boxes.pixel_rule"),
        ("lung-dx-2d", "threshold = 0.5", "threshold = 1.5", "a threshold of IoU is at most 1"),
        ("lung-dx-2d", 'matching = "coco"', 'matching = "hungarian"', "boxes.matching"),
        ("lung-dx-2d", '"101-point"', '"40-point"', "boxes.interpolation"),
        ("lung-dx-2d", "max_detections = 100", "max_detections = 0", "boxes.max_detections"),
        ("lung-dx-2d", "confusion_score = 0.5", "confusion_score = 0.5\ncode = 1", "boxes.code: Extra inputs"),
        ("lung-dx-2d", 'unit = "case"', 'unit = "patient"', "unit is case"),
        ("lung-dx-2d", 'role = "ct"', 'role = "ct"\nimage = "pet"', "target.image belongs to a profile of masks"),
        ("lung-dx-2d", "[subsets]", "[steps]\nstates = 3\n\n[subsets]", "steps belongs to a profile of masks"),
        (
            "lung-dx-2d",
            'name = "lesion_tp"',
            'name = "volume_difference_ml"',
            "volume_difference_ml is not measured on",
        ),
        (
            "lung-dx-2d",
            'name = "reference_lesions"',
            'name = "lesion_fn"\nlabel = "lost"',
            "computed from reference_lesions",
        ),
        ("lung-dx-2d", 'name = "froc_cpm"', 'name = "froc"', "box_metric.froc.name"),
        ("lung-dx-2d", "iou_range = { first = 0.5, last = 0.95, step = 0.05 }", "", "iou_range belongs to box_map"),
        ("lung-dx-2d", "step = 0.05", "step = 0.04", "a whole number of steps"),
        ("lung-dx-2d", "false_positives = [1.0]", "", "needs false_positives with one rate"),
        (
            "lung-dx-2d",
            "false_positives = [1.0]",
            "false_positives = [1.0, 2.0]",
            "needs false_positives with one rate",
        ),
        ("lung-dx-2d", "false_positives = [1.0]", "false_positives = [0.0]", "above 0"),
        ("lung-dx-2d", 'hit = "centre"\nthreshold = 0.5\n', 'hit = "centre"\n', "hit needs a threshold"),
        ("lung-dx-2d", 'label = "coco_ap_50"', 'label = "coco_map"', "named twice (coco_map)"),
        ("lung-dx-2d", 'label = "coco_ap_50"', "weight = 0.1", "the weights sum to 1.1"),
        ("lung-dx-2d", 'tie_break = "voc_ap_50"', 'tie_break = "voc_ap_55"', "is no metric of the profile"),
    ],
)
def test_a_broken_profile_is_refused_and_the_key_named(name, old, new, told):
    text = TEXTS[name]
    assert old in text
    with pytest.raises(SettingsError) as caught:
        parse_profile(text.replace(old, new, 1), where="a.toml")
    assert told in str(caught.value)


def test_parts_of_boxes_do_not_go_with_masks():
    start = TEXTS["lung-dx-2d"].index("[boxes]")
    part = TEXTS["lung-dx-2d"][start : TEXTS["lung-dx-2d"].index("[subsets]")]
    with pytest.raises(SettingsError, match="boxes belongs to a profile of boxes"):
        parse_profile(MASKS + "\n" + part, where="a.toml")
    with pytest.raises(SettingsError, match="needs the part boxes"):
        parse_profile(TEXTS["lung-dx-2d"].replace(part, ""), where="a.toml")


def test_cpm_of_masks_needs_the_table_of_lesions():
    text = MASKS + '\n[[cohort_metric]]\nname = "froc_cpm"\n'
    assert parse_profile(text, where="a.toml").cohort_metric[-1].column == "froc_cpm"
    with pytest.raises(SettingsError, match=r"components\.table is true"):
        parse_profile(text.replace("table = true", "table = false"), where="a.toml")
    skipping = text.replace('missing = "worst"', 'missing = "skip"').replace('name = "lesions"', 'name = "l-official"')
    with pytest.raises(SettingsError, match="missing is worst or error"):
        parse_profile(skipping, where="a.toml")


def test_differences_name_the_number_of_boxes():
    found = {one.key: (one.first, one.second) for one in compare_profiles(*map(load_profile, TEXTS))}
    assert found["boxes.dimension"] == (2, 3)
    assert found["boxes.linking"][0] is None
    assert found["box_metric.froc_cpm.hit"] == ("centre", None)
    assert found["box_metric.ap_10"][0] is None
