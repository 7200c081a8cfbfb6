import io
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from oncohort.geometry import Box, Geometry
from oncohort.labels import LabelScheme
from oncohort.reporting.drawing import AXIAL, CORONAL, PROMPT_COLOURS, SAGITTAL, VIEWS, WINDOWS
from oncohort.reporting.palette import STAMP_COLOUR, structure_colours
from oncohort.reporting.sheets import BoxGroup, Overlay, PromptMark, SheetCase, SheetSettings, cut_case, draw_sheet
from oncohort.reporting.sheets.box_cutting import box_centre_mm, cut_boxes
from oncohort.reporting.sheets.layout import TALLEST, WIDEST, fit_grid
from oncohort.reporting.sheets.legend import Entry, lay_out
from oncohort.reporting.sheets.page import SheetPage, render_sheet
from oncohort.reporting.sheets.panels import layers_of
from oncohort.reporting.sheets.subject import CutView
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

RED, BLUE = "#ff0000", "#0000ff"
CENTRE = np.array([40.0, 10.0, 60.0])  # towards the patient's right, front and head
SETTINGS = SheetSettings((WINDOWS["mediastinum"],))
CT_GRID = Geometry((80, 60, 70), [[-2.5, 0, 0, 98.75], [0, -2.5, 0, 73.75], [0, 0, 3, -103.5], [0, 0, 0, 1]])
PET_GRID = Geometry((50, 40, 40), [[4, 0, 0, -98], [0, 4, 0, -78], [0, 0, 6, -117], [0, 0, 0, 1]])


@cache
def field(geometry: Geometry, radius: float) -> np.ndarray:
    """Inside a ball round `CENTRE`."""
    points = geometry.to_mm(np.indices(geometry.shape).reshape(3, -1).T)
    return (np.linalg.norm(points - CENTRE, axis=1) < radius).reshape(geometry.shape)


@cache
def body(geometry: Geometry) -> np.ndarray:
    points = geometry.to_mm(np.indices(geometry.shape).reshape(3, -1).T)
    return (((points[:, :2] / (85, 60)) ** 2).sum(axis=1) < 1).reshape(geometry.shape)


def labelled(mask: np.ndarray, geometry: Geometry, **labels: int) -> LabelMap:
    scheme = LabelScheme("l", labels or {"lesion": 1})
    return LabelMap.from_masks({next(iter(scheme.labels)): mask}, geometry, scheme)


def subject(**changes: Any) -> SheetCase:
    ct = np.where(body(CT_GRID), 40, -1000).astype(np.int16)
    pet = np.where(body(PET_GRID), 1.0, 0.0) + 8.0 * field(PET_GRID, 15)
    fields: dict[str, Any] = {
        "title": "A",
        "caption": ("patient A",),
        "point_mm": CENTRE,
        "ct": Volume.from_array(ct, CT_GRID, Unit.HU),
        "pet": Volume.from_array(pet.astype(np.float32), PET_GRID, Unit.SUVBW),
        "overlays": (Overlay("", labelled(field(PET_GRID, 15), PET_GRID), {"lesion": RED}),),
    }
    return SheetCase(**{**fields, **changes})


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def coloured(png: bytes, colour: str, tolerance: int = 60) -> np.ndarray:
    wanted = np.array([round(255 * part) for part in to_rgb(colour)])
    return np.abs(pixels(png) - wanted).sum(axis=2) < tolerance


def draw(case: SheetCase, **changes: Any) -> bytes:
    settings = replace(SETTINGS, **changes)
    return draw_sheet(cut_case(case, settings), settings).png


def test_ct_pet_and_fusion_are_rows_and_a_ct_alone_is_one_per_window() -> None:
    assert [layer.kind for layer in layers_of(cut_case(subject(), SETTINGS), SETTINGS)] == ["ct", "pet", "fusion"]
    assert [layer.kind for layer in layers_of(cut_case(subject(ct=None), SETTINGS), SETTINGS)] == ["pet"]
    both = replace(SETTINGS, windows=(WINDOWS["lung"], WINDOWS["mediastinum"]))
    layers = layers_of(cut_case(subject(pet=None), both), both)
    assert [layer.title for layer in layers] == ["CT lung W 1400 L -700", "CT mediastinum W 350 L 40"]
    assert list(cut_case(subject(pet=None), both).views) == ["axial", "coronal", "sagittal"]


def test_contours_lie_round_the_uptake_in_every_plane() -> None:
    """The mask is on the PET's grid and the CT on another: the same millimetres must be meant."""
    cut = cut_case(subject(), SETTINGS)
    for name, view in cut.views.items():
        assert view.pet is not None
        (mask,) = view.masks
        rows, columns = np.nonzero(mask.plane.pixels)
        middle = mask.plane.columns_mm[columns].mean(), mask.plane.rows_mm[rows].mean()
        assert middle == pytest.approx(view.view.place(CENTRE[None])[0], abs=2.0), name
        hot_rows, hot_columns = np.nonzero(view.pet.pixels > 5)
        assert view.pet.columns_mm[hot_columns].mean() == pytest.approx(middle[0], abs=1.0), name
        assert view.pet.rows_mm[hot_rows].mean() == pytest.approx(middle[1], abs=1.0), name


def test_panels_of_one_row_show_the_same_part_of_the_patient() -> None:
    views = cut_case(subject(), SETTINGS).views
    assert views["axial"].extent_mm[:2] == views["coronal"].extent_mm[:2]
    assert views["coronal"].extent_mm[2:] == views["sagittal"].extent_mm[2:]
    front, back = views["axial"].extent_mm[3], views["axial"].extent_mm[2]
    assert views["sagittal"].extent_mm[:2] == (-front, -back)


def test_long_scans_are_cut_round_the_point_and_the_projection_is_whole() -> None:
    grid = Geometry((10, 10, 400), np.diag([20.0, 20.0, 5.0, 1.0]))
    pet = Volume.from_array(np.full(grid.shape, 2.0, np.float32), grid, Unit.SUVBW)
    ct = Volume.from_array(np.zeros(grid.shape, np.int16), grid, Unit.HU)
    cut = cut_case(subject(ct=ct, pet=pet, overlays=(), point_mm=np.array([100.0, 100.0, 300.0])), SETTINGS)
    assert cut.views["coronal"].extent_mm[2:] == pytest.approx((75.0, 525.0))
    assert cut.views["mip"].size_mm[1] == pytest.approx(2000.0)


def test_contours_boxes_and_clicks_are_drawn_in_their_colours() -> None:
    start, stop = PET_GRID.to_index([CENTRE - 25, CENTRE + 25]).round().astype(int).tolist()
    box = BoxGroup("box", BLUE, PET_GRID, (Box(tuple(start), tuple(stop)),))
    clicks = (
        PromptMark("click", "foreground", CENTRE[None], 3.0),
        PromptMark("scribble", "background", CENTRE[None] + np.linspace(-9, 9, 8)[:, None], 9.0),
    )
    plain = draw(subject(overlays=()), planes=("axial", "mip"))
    full = draw(subject(boxes=(box,), prompts=clicks), planes=("axial", "mip"))
    for colour in (RED, BLUE, PROMPT_COLOURS["foreground"], PROMPT_COLOURS["background"]):
        assert coloured(plain, colour, 30).sum() < 20, colour
        assert coloured(full, colour).sum() > 60, colour


def test_a_click_is_shown_only_in_planes_near_it() -> None:
    far = CENTRE + np.array([0.0, 0.0, 20.0])
    prompt = PromptMark("click", "foreground", far[None], 3.0)
    shown = {name: len(view.prompts) for name, view in cut_case(subject(prompts=(prompt,)), SETTINGS).views.items()}
    assert shown == {"axial": 0, "coronal": 1, "sagittal": 1, "mip": 1}


def test_a_box_reaches_half_a_voxel_beyond_the_centres_of_its_voxels() -> None:
    group = BoxGroup("b", BLUE, CT_GRID, (Box((10, 20, 30), (14, 26, 31)),))
    (cut,) = cut_boxes(group, AXIAL, -103.5 + 3 * 30)
    left, right = sorted(-(98.75 - 2.5 * np.array([9.5, 13.5])))
    bottom, top = sorted(73.75 - 2.5 * np.array([19.5, 25.5]))
    assert (*cut.corners_mm.min(axis=0), *cut.corners_mm.max(axis=0)) == pytest.approx((left, bottom, right, top))
    assert len(cut.corners_mm) == 4
    assert not list(cut_boxes(group, AXIAL, -103.5 + 3 * 30.6))


def test_boxes_of_slices_are_one_hull_beside_their_slices() -> None:
    boxes = tuple(Box((10 + k, 20, 30 + k), (14 + k, 26, 31 + k)) for k in range(3))
    group = BoxGroup("b", BLUE, CT_GRID, boxes)
    assert len(list(cut_boxes(group, AXIAL, -103.5 + 3 * 31))) == 1
    for view, depth in ((CORONAL, 73.75 - 2.5 * 22), (SAGITTAL, 98.75 - 2.5 * 12), (CORONAL, None)):
        (cut,) = cut_boxes(group, view, depth)
        assert np.ptp(cut.corners_mm[:, 1]) == pytest.approx(9.0)
    assert box_centre_mm(boxes, CT_GRID) == pytest.approx(CT_GRID.to_mm([[12.5, 22.5, 31]])[0])


def test_a_box_of_a_tilted_grid_is_cut_as_a_polygon() -> None:
    cos, sin = np.cos(0.5), np.sin(0.5)
    affine = np.array([[1, 0, 0, 0], [0, cos, -sin, 0], [0, sin, cos, 0], [0, 0, 0, 1.0]])
    group = BoxGroup("b", BLUE, Geometry((40, 40, 40), affine), (Box((10, 10, 10), (20, 20, 20)),))
    middle = box_centre_mm(group.boxes, group.geometry)
    (cut,) = cut_boxes(group, SAGITTAL, float(middle[0]))
    across, up = cut.corners_mm[:, 0], cut.corners_mm[:, 1]
    area = 0.5 * abs(np.dot(across, np.roll(up, 1)) - np.dot(up, np.roll(across, 1)))
    assert area == pytest.approx(100.0)


def test_the_scale_bar_is_as_long_as_it_says() -> None:
    png = draw(subject(pet=None, overlays=()), planes=("axial",))
    cut = cut_case(subject(pet=None, overlays=()), replace(SETTINGS, planes=("axial",)))
    scale = fit_grid(cut.planes, None, 1).scale
    below = pixels(png)[-60:, :, 0]
    longest = max(len(run) for row in below < 100 for run in "".join("#" if dark else " " for dark in row).split())
    assert longest == pytest.approx(160 * 50 * scale, abs=3)  # 5 cm


def test_the_ct_is_black_and_white_at_the_ends_of_its_window_and_the_pet_inverted() -> None:
    grid = Geometry((30, 30, 30), np.diag([5.0, 5.0, 5.0, 1.0]))

    def middle(value: float, unit: Unit) -> int:
        volume = Volume.from_array(np.full(grid.shape, value, np.float32), grid, unit)
        image = {"ct": volume, "pet": None} if unit is Unit.HU else {"ct": None, "pet": volume}
        point = np.array([70.0, 70.0, 70.0])
        png = draw(subject(**image, overlays=(), point_mm=point), planes=("axial",))
        height, width = pixels(png).shape[:2]
        return int(pixels(png)[int(height * 0.55), int(width * 0.3), 0])

    assert (middle(-135, Unit.HU), middle(215, Unit.HU)) == (0, 255)
    assert middle(40, Unit.HU) == pytest.approx(127, abs=3)
    assert (middle(10, Unit.SUVBW), middle(0.0, Unit.SUVBW)) == (0, 255)


def test_a_pet_that_is_no_suv_is_scaled_to_its_upper_end_and_says_its_unit() -> None:
    pet = subject().pet
    assert pet is not None
    counts = Volume.from_array(pet.array * 1000, PET_GRID, Unit.BQML)
    cut = cut_case(subject(pet=counts), SETTINGS)
    assert (cut.pet_unit, cut.pet_window) == ("Bq/ml", (0.0, 9000.0))
    assert cut_case(subject(), SETTINGS).pet_window == (0.0, 10.0)


def test_voxels_without_a_number_are_air() -> None:
    pet = subject().pet
    assert pet is not None
    holes = Volume.from_array(np.where(pet.array == 0, np.nan, pet.array), PET_GRID, Unit.SUVBW)
    assert all(np.isfinite(view.pet.pixels).all() for view in cut_case(subject(pet=holes), SETTINGS).views.values())


def test_synthetic_is_written_into_the_picture() -> None:
    assert coloured(draw(subject(), planes=("axial",)), STAMP_COLOUR, 30).sum() < 20
    assert coloured(draw(subject(), planes=("axial",), synthetic=True), STAMP_COLOUR, 30).sum() > 200


def test_the_legend_lists_what_is_seen_and_nothing_else() -> None:
    hidden = np.zeros(CT_GRID.shape, bool)
    hidden[2, 2, 2] = True
    scheme = LabelScheme("l", {"liver": 1, "hidden": 2})
    organs = LabelMap.from_masks({"liver": field(CT_GRID, 30), "hidden": hidden}, CT_GRID, scheme)
    case = subject(
        overlays=(
            Overlay("", organs, {}, is_projected=False),
            Overlay("net", labelled(field(PET_GRID, 9), PET_GRID), {}),
        )
    )
    assert draw_sheet(cut_case(case, SETTINGS), SETTINGS).names == ("liver", "net: lesion")


def test_a_label_without_a_name_is_called_by_its_number() -> None:
    masks = LabelMap(PET_GRID, labelled(field(PET_GRID, 15), PET_GRID).layers, LabelScheme("none", {}))
    picture = draw_sheet(cut_case(subject(overlays=(Overlay("", masks, {}),)), SETTINGS), SETTINGS)
    assert picture.names == ("label 1",)


def test_a_legend_that_is_too_long_says_how_many_are_left_out() -> None:
    entries = [Entry(f"structure number {number}", "#ffffff") for number in range(117)]
    lines = lay_out(entries, 6.0)
    words = [entry.words for line in lines for _, entry in line]
    assert len(lines) == 5
    assert words[:-1] == [entry.words for entry in entries[: len(words) - 1]]
    assert words[-1] == f"and {117 - len(words) + 1} more"
    assert all(left < 6.0 for line in lines for left, _ in line)


def test_colours_are_stable_by_place_in_the_scheme() -> None:
    names = [f"s{number}" for number in range(40)]
    few, many = structure_colours(names[:3]), structure_colours(names)
    assert all(many[name] == colour for name, colour in few.items())
    assert len(set(many.values())) == 40


@pytest.mark.parametrize("sizes", [((400, 300), (400, 450), (300, 450)), ((40, 30), (40, 90), (30, 90))])
@pytest.mark.parametrize("mip", [None, (500.0, 1900.0), (80.0, 60.0)])
@pytest.mark.parametrize("rows", [1, 3, 5])
def test_a_sheet_never_grows_beyond_its_limits(sizes: Any, mip: Any, rows: int) -> None:
    def view(width: float, height: float) -> CutView:
        return CutView(AXIAL, False, None, None, (0.0, width, 0.0, height), (0.0, 0.0))

    grid = fit_grid([view(*size) for size in sizes], view(*mip) if mip else None, rows)
    assert grid.width <= WIDEST + 1e-6
    assert grid.height <= TALLEST + 0.1 * rows
    rects = [grid.panel(row, column, view(*size), 1.0) for row in range(rows) for column, size in enumerate(sizes)]
    for rect in rects:
        others = [other for other in rects if other is not rect]
        assert all(
            rect.right <= o.left or o.right <= rect.left or rect.top <= o.bottom or o.top <= rect.bottom for o in others
        )
        assert rect.bottom >= 1.0 - 1e-9


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["$x_", "$\\frac{$", "\u4e2d\u6587\n\x00\u202e", "<script>" * 40, ""])
def test_hostile_names_draw_without_complaint(name: str) -> None:
    scheme = LabelScheme("l", {name: 1})
    masks = LabelMap.from_masks({name: field(PET_GRID, 15)}, PET_GRID, scheme)
    case = subject(title=name, caption=(name,), overlays=(Overlay(name, masks, {}),), point_words=name)
    assert draw(case, planes=("axial", "mip")).startswith(b"\x89PNG")


@pytest.mark.parametrize("planes", [*((name,) for name in VIEWS), ("mip",), ("sagittal", "mip"), ("coronal", "axial")])
def test_any_choice_of_planes_draws(planes: tuple[str, ...]) -> None:
    assert list(cut_case(subject(), replace(SETTINGS, planes=planes)).views) == list(planes)
    assert draw(subject(), planes=planes).startswith(b"\x89PNG")


def test_equal_input_gives_equal_bytes_also_in_a_spawned_process() -> None:
    here = _draw_small()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(_draw_small).result() == here


def _draw_small() -> bytes:
    return draw(subject(), planes=("axial", "mip"), synthetic=True)


def test_time_points_make_the_sheet_taller() -> None:
    cut = cut_case(subject(), replace(SETTINGS, planes=("axial", "mip")))
    other = replace(cut, title="later", facts={"when": "2021-01-01"})
    alone, both = (draw_sheet(cut, SETTINGS, others).png for others in ((), (cut, other)))
    assert pixels(both).shape[0] > pixels(alone).shape[0] + 3 * 160
    assert coloured(both, RED).sum() > 1.2 * coloured(alone, RED).sum()


def test_every_string_of_the_page_is_escaped() -> None:
    evil = "</style><img src=x onerror=alert(1)>\"'&$"
    shown = {"at": evil, "structures": [evil], "synthetic": True}
    volume = {"role": evil, "unit": evil, "shape": [1, 2, 3], "spacing_mm": [1.0, 2.0, 3.0], "orientation": evil}
    finding = {"rule": evil, "severity": evil, "evidence": evil, "remedy": evil}
    page = SheetPage(evil, evil, draw(subject(), planes=("axial",)), {evil: evil}, [volume], [finding], shown)
    text = render_sheet(page)
    assert "<img src=x" not in text
    assert text.count("<img") == 1
    assert "<script" not in text
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    assert "(synthetic)</title>" in text


def test_planes_end_with_a_ct_that_is_shorter_than_the_pet_unless_the_point_lies_beyond() -> None:
    short = Geometry((80, 60, 20), [[-2.5, 0, 0, 98.75], [0, -2.5, 0, 73.75], [0, 0, 3, 30.0], [0, 0, 0, 1]])
    ct = Volume.from_array(np.where(body(short), 40, -1000).astype(np.int16), short, Unit.HU)
    assert cut_case(subject(ct=ct), SETTINGS).views["coronal"].extent_mm[2:] == pytest.approx((28.5, 88.5))
    far = cut_case(subject(ct=ct, point_mm=np.array([0.0, 0.0, -60.0])), SETTINGS).views["coronal"]
    assert far.extent_mm[2] < -60 < far.extent_mm[3]
