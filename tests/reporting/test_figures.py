import io
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import nibabel
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.reporting import REFERENCE_COLOUR, Panel, draw_case, picture_case
from oncohort.reporting.figures import MAX_PANELS
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

BLUE = "#0072b2"
GREEN = "#009e73"
SCHEME = LabelScheme("lesion", {"lesion": 1})


def label_map(mask: np.ndarray, geometry: Geometry) -> LabelMap:
    return LabelMap.from_masks({"lesion": mask}, geometry, SCHEME)


def ball(shape: tuple[int, int, int] = (40, 30, 60), spacing: float = 4.0) -> tuple[Volume, LabelMap]:
    """A PET with an SUV of 8 in a ball at the patient's left and head, on background 1."""
    geometry = Geometry(shape, np.diag([-spacing, -spacing, spacing, 1.0]))
    index = np.indices(shape)
    inside = sum((axis - centre) ** 2 for axis, centre in zip(index, (30, 15, 45), strict=True)) < 36
    pet = np.where(inside, 8.0, 1.0).astype(np.float32)
    return Volume.from_array(pet, geometry, Unit.SUVBW), label_map(inside, geometry)


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def coloured(png: bytes, colour: str, tolerance: int = 40) -> np.ndarray:
    wanted = np.array([round(255 * part) for part in to_rgb(colour)])
    return np.abs(pixels(png) - wanted).sum(axis=2) < tolerance


def test_reference_and_prediction_are_drawn_in_their_colours() -> None:
    pet, lesion = ball()
    png = draw_case(pet, [Panel("a", lesion, "Dice 1.000", BLUE)], reference=lesion, synthetic=False)
    assert png.startswith(b"\x89PNG")
    assert coloured(png, REFERENCE_COLOUR).sum() > 50
    assert coloured(png, BLUE).sum() > 50
    assert coloured(png, GREEN).sum() == 0


def test_without_a_mask_no_outline_is_drawn() -> None:
    pet, lesion = ball()
    empty = label_map(np.zeros(pet.geometry.shape, bool), pet.geometry)
    for reference in (None, empty):
        assert coloured(draw_case(pet, [], reference=reference, synthetic=False), REFERENCE_COLOUR).sum() == 0
    assert coloured(draw_case(pet, [], reference=lesion, synthetic=False), REFERENCE_COLOUR).sum() > 50


def test_the_patients_left_is_on_the_right_and_the_head_is_up() -> None:
    pet, lesion = ball()
    found = np.argwhere(coloured(draw_case(pet, [], reference=lesion, synthetic=False), REFERENCE_COLOUR))
    panel_width = 160 * 2.3
    assert found[:, 1].mean() > 0.6 * panel_width
    assert found[:, 0].mean() < 0.5 * pixels(draw_case(pet, [], reference=lesion, synthetic=False)).shape[0]


def test_the_outline_lies_round_what_is_bright_in_the_pet() -> None:
    pet, lesion = ball()
    png = draw_case(pet, [], reference=lesion, synthetic=False)
    row, column = np.argwhere(coloured(png, REFERENCE_COLOUR)).mean(axis=0).round().astype(int)
    assert pixels(png)[row, column, 0] == pytest.approx(255 * 0.2, abs=6)  # SUV 8 of 10


def test_the_scale_bar_is_as_long_as_it_says() -> None:
    pet, _ = ball()  # 160 mm wide, all of it shown, on 2.3 inches: half of it holds a bar of 5 cm
    below = pixels(draw_case(pet, [], reference=None, synthetic=False))[-40:, :, 0]
    longest = max(len(run) for row in below < 100 for run in "".join("#" if dark else " " for dark in row).split())
    assert longest == pytest.approx(160 * 2.3 * 50 / 160, abs=3)


def test_millimetres_have_one_length_in_both_directions() -> None:
    geometry = Geometry((40, 20, 30), np.diag([-2.0, -2.0, 8.0, 1.0]))
    mask = np.zeros((40, 20, 30), bool)
    mask[10:30, 5:10, 10:20] = True  # 40 mm wide, 80 mm high
    pet = Volume.from_array(np.ones(geometry.shape, np.float32), geometry, Unit.SUVBW)
    png = draw_case(pet, [], reference=label_map(mask, geometry), synthetic=False)
    found = np.argwhere(coloured(png, REFERENCE_COLOUR))
    height, width = np.ptp(found, axis=0)
    assert height / width == pytest.approx(2.0, rel=0.06)


def test_a_mask_on_another_grid_falls_on_the_same_place() -> None:
    pet, lesion = ball()
    affine = np.diag([-2.0, -2.0, 2.0, 1.0])
    affine[:3, 3] = (1.0, 1.0, -1.0)
    fine = lesion.foreground().repeat(2, 0).repeat(2, 1).repeat(2, 2)
    finer = label_map(fine, Geometry(fine.shape, affine))
    places = [
        np.argwhere(coloured(draw_case(pet, [], reference=mask, synthetic=False), REFERENCE_COLOUR)).mean(axis=0)
        for mask in (lesion, finer)
    ]
    assert np.abs(places[0] - places[1]).max() < 3


def test_synthetic_is_written_into_the_picture() -> None:
    pet, _ = ball()
    plain, marked = (draw_case(pet, [], reference=None, synthetic=flag) for flag in (False, True))
    assert coloured(plain, "#8a4b00").sum() == 0
    assert coloured(marked, "#8a4b00").sum() > 200


def test_the_window_is_white_at_its_low_and_black_at_its_high_end() -> None:
    geometry = Geometry((20, 20, 20), np.diag([-4.0, -4.0, 4.0, 1.0]))

    def middle(suv: float) -> int:
        pet = Volume.from_array(np.full(geometry.shape, suv, np.float32), geometry, Unit.SUVBW)
        return int(pixels(draw_case(pet, [], reference=None, synthetic=False))[250, 180, 0])

    assert (middle(0.0), middle(10.0), middle(99.0)) == (255, 0, 0)
    assert middle(5.0) == pytest.approx(127, abs=4)


def test_at_most_four_predictions_are_shown() -> None:
    pet, lesion = ball((12, 12, 12))
    panels = [Panel(f"m{number}", lesion, "", BLUE) for number in range(MAX_PANELS + 2)]
    picture = picture_case("a", pet, panels, reference=lesion, synthetic=False)
    assert [name for name, _, _ in picture.models] == ["m0", "m1", "m2", "m3"]
    assert pixels(picture.png).shape[1] <= 10.7 * 160


def test_the_picture_says_what_became_of_the_reference() -> None:
    pet, lesion = ball((12, 12, 12))
    empty = label_map(np.zeros(pet.geometry.shape, bool), pet.geometry)
    states = [picture_case("a", pet, [], reference=mask, synthetic=False).reference for mask in (None, empty)]
    assert states == ["absent", "empty"]
    assert picture_case("a", *ball()[:1], [], reference=ball()[1], synthetic=False).reference == "drawn"
    assert lesion.geometry == pet.geometry


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["$x_", "$\\frac{$", "\u4e2d\u6587\n\x00\u202e", "<script>" * 40, ""])
def test_hostile_names_draw_without_complaint(name: str) -> None:
    pet, lesion = ball((12, 12, 12))
    assert draw_case(pet, [Panel(name, None, name, BLUE)], reference=lesion, synthetic=False).startswith(b"\x89PNG")


def test_equal_input_gives_equal_bytes_also_in_a_spawned_process() -> None:
    pet, lesion = ball((20, 20, 20))
    here = draw_case(pet, [], reference=lesion, synthetic=True)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(_draw_small).result() == here


def _draw_small() -> bytes:
    pet, lesion = ball((20, 20, 20))
    return draw_case(pet, [], reference=lesion, synthetic=True)


@pytest.mark.real_data
def test_a_cropped_limb_makes_a_small_file(real_data: Callable[[str], Path]) -> None:
    folder = real_data("sts_petct") / "nifti" / "STS_001"
    image, mask = (nibabel.load(folder / f"PET_{kind}.nii.gz") for kind in ("image", "mask"))
    geometry = Geometry(image.shape, image.affine)
    pet = Volume.from_array(np.asarray(image.dataobj, np.float32), geometry, Unit.SUVBW)
    lesion = label_map(np.asarray(mask.dataobj) > 0, geometry)
    panels = [Panel(f"suv-{cut}", label_map(pet.array >= cut, geometry), "", BLUE) for cut in (2.5, 4, 6)]
    png = draw_case(pet, panels, reference=lesion, synthetic=False)
    assert 30_000 < len(png) < 150_000
    assert coloured(png, REFERENCE_COLOUR).sum() > 300
