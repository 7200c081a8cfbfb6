"""Heat maps against whole-volume filters, and the peaks that were measured on published files."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt, gaussian_filter

from oncohort.errors import InputError
from oncohort.geometry import Geometry
from oncohort.layouts.autopet import HEAT_MAP_PEAKS
from oncohort.prompts import HeatMapEncoding, Prompt, draw_heat_map, require_encoding

GRID = Geometry((23, 31, 17), np.diag([2.0, 2.0, 3.0, 1.0]))
POINTS = [[0, 0, 0], [11, 15, 8], [12, 15, 8], [22, 30, 16], [3, 29, 2]]


def drawn(encoding, points=POINTS, polarity="foreground", grid=GRID):
    prompts = [Prompt("click", polarity, [point]) for point in points]
    return draw_heat_map(prompts, grid, encoding, polarity=polarity)


def impulses(points=POINTS):
    array = np.zeros(GRID.shape)
    for point in points:
        array[tuple(point)] = 1
    return array


# reference document of autoPET, section 2.4: measured on the published heat maps
@pytest.mark.parametrize(("sigma", "peak"), [(1.0, 0.0635), (2.0, 0.00794), (3.0, 0.00235)])
def test_the_peak_of_one_point_is_that_of_the_published_maps(sigma, peak):
    grid = Geometry((61, 61, 61), np.eye(4))
    found = drawn(HeatMapEncoding("gaussian", sigma), [[30, 30, 30]], grid=grid).array
    assert found.max() == pytest.approx(peak, abs=0.5 * 10 ** -(len(str(peak)) - 2))
    assert found.sum() == pytest.approx(1.0, abs=1e-4)
    assert HEAT_MAP_PEAKS[sigma] == peak


@pytest.mark.parametrize("sigma", [0.7, 1.0, 2.0, 3.0, 9.0])
def test_a_gaussian_is_that_of_the_whole_volume_borders_included(sigma):
    assert np.allclose(drawn(HeatMapEncoding("gaussian", sigma)).array, gaussian_filter(impulses(), sigma), atol=1e-6)


def test_a_gaussian_in_mm_is_narrower_where_slices_are_thick():
    expected = gaussian_filter(impulses(), (6 / 2, 6 / 2, 6 / 3))
    assert np.allclose(drawn(HeatMapEncoding("gaussian", 6.0, "mm")).array, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "unit"), [(2.0, "voxel"), (10.0, "voxel"), (40.0, "voxel"), (7.0, "mm"), (40.0, "mm")]
)
def test_distances_are_those_of_the_whole_volume_up_to_their_limit(size, unit):
    sampling = GRID.spacing_mm if unit == "mm" else (1, 1, 1)
    distance = distance_transform_edt(impulses() == 0, sampling=sampling)
    encodings = {kind: drawn(HeatMapEncoding(kind, size, unit)).array for kind in ("edt", "inverted-edt", "disk")}
    assert np.allclose(encodings["edt"], np.minimum(distance, size), atol=1e-5)
    assert np.allclose(encodings["inverted-edt"], 1 - np.minimum(distance, size) / size, atol=1e-5)
    assert np.array_equal(encodings["disk"], distance.astype(np.float32) <= np.float32(size))


def test_binary_marks_the_points_and_a_scribble_counts_like_clicks():
    assert np.array_equal(drawn(HeatMapEncoding("binary")).array, impulses())
    scribble = draw_heat_map(
        [Prompt("scribble", "foreground", POINTS)], GRID, HeatMapEncoding("gaussian", 2.0), polarity="foreground"
    )
    assert np.array_equal(scribble.array, drawn(HeatMapEncoding("gaussian", 2.0)).array)


def test_a_point_clicked_twice_counts_once():
    twice = drawn(HeatMapEncoding("gaussian", 1.0), [*POINTS, POINTS[0]])
    assert np.array_equal(twice.array, drawn(HeatMapEncoding("gaussian", 1.0)).array)
    assert twice.record["points"] == len(POINTS)


def test_points_outside_are_left_out_and_counted():
    found = drawn(HeatMapEncoding("binary"), [*POINTS, [23, 0, 0], [0, -1, 0]])
    assert np.array_equal(found.array, impulses())
    assert (found.record["points"], found.record["outside"]) == (5, 2)


def test_polarities_do_not_mix_and_boxes_are_not_drawn():
    prompts = [
        Prompt("click", "foreground", [[1, 1, 1]]),
        Prompt("click", "background", [[2, 2, 2]]),
        Prompt("box", "background", [[0, 0, 0], [5, 5, 5]]),
    ]
    found = draw_heat_map(prompts, GRID, HeatMapEncoding("binary"), polarity="background")
    assert np.argwhere(found.array).tolist() == [[2, 2, 2]]
    assert found.record["polarity"] == "background"


def test_no_points_at_all():
    assert drawn(HeatMapEncoding("gaussian", 3.0), []).array.max() == 0
    assert drawn(HeatMapEncoding("inverted-edt", 3.0), []).array.max() == 0
    assert drawn(HeatMapEncoding("disk", 3.0), []).array.max() == 0
    assert drawn(HeatMapEncoding("edt", 3.0), []).array.min() == 3.0


@pytest.mark.parametrize(
    ("kind", "size", "unit"),
    [
        ("geodesic", 1.0, "voxel"),
        ("gaussian", 0.0, "voxel"),
        ("gaussian", -1.0, "voxel"),
        ("gaussian", float("nan"), "voxel"),
        ("gaussian", float("inf"), "voxel"),
        ("binary", 1.0, "voxel"),
        ("gaussian", 1.0, "inch"),
    ],
)
def test_impossible_encodings_are_refused(kind, size, unit):
    with pytest.raises(InputError):
        HeatMapEncoding(kind, size, unit)


@pytest.mark.parametrize(("sigma", "scale"), [(1.0, 15.7), (2.0, 126.0), (3.0, 425.0)])
def test_the_scales_of_the_page_let_one_point_peak_at_1(sigma, scale):
    grid = Geometry((61, 61, 61), np.eye(4))
    found = drawn(HeatMapEncoding("gaussian", sigma, scale=scale), [[30, 30, 30]], grid=grid)
    assert found.array.max() == pytest.approx(1.0, abs=0.005)


def test_a_scale_multiplies_all_values_and_is_part_of_the_encoding():
    plain, scaled = HeatMapEncoding("gaussian", 2.0), HeatMapEncoding("gaussian", 2.0, scale=126.0)
    assert np.allclose(drawn(scaled).array, 126 * drawn(plain).array, rtol=1e-6)
    assert drawn(scaled).array.dtype == np.float32
    require_encoding(drawn(scaled).record, scaled, polarity="foreground", where="A")
    for one, other in ((scaled, plain), (plain, scaled)):
        with pytest.raises(InputError, match="scale"):
            require_encoding(drawn(one).record, other, polarity="foreground", where="A")
    older = {name: value for name, value in drawn(plain).record.items() if name != "scale"}
    require_encoding(older, plain, polarity="foreground", where="A")
    with pytest.raises(InputError):
        require_encoding(older, scaled, polarity="foreground", where="A")
    for scale in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="scale"):
            HeatMapEncoding("gaussian", 2.0, scale=scale)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("gaussian:sigma=3", HeatMapEncoding("gaussian", 3.0)),
        ("gaussian: sigma=2 , unit=mm,scale=126", HeatMapEncoding("gaussian", 2.0, "mm", 126.0)),
        ("edt:limit=40,unit=mm", HeatMapEncoding("edt", 40.0, "mm")),
        ("inverted-edt:limit=10", HeatMapEncoding("inverted-edt", 10.0)),
        ("disk:radius=2,unit=voxel", HeatMapEncoding("disk", 2.0)),
        ("binary", HeatMapEncoding("binary")),
        ("binary:scale=5", HeatMapEncoding("binary", scale=5.0)),
    ],
)
def test_encodings_are_read_from_words_and_from_records(text, encoding):
    assert HeatMapEncoding.from_text(text) == encoding
    assert HeatMapEncoding.from_record(encoding.to_record()) == encoding
    assert HeatMapEncoding.from_record(drawn(encoding).record) == encoding


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gauss:sigma=3",
        "gaussian",
        "gaussian:radius=3",
        "gaussian:sigma=three",
        "gaussian:sigma=3,sigma=4",
        "gaussian:sigma=3,unit=inch",
        "gaussian:sigma=3,speed=1",
        "gaussian:3",
        "gaussian:sigma=nan",
        "binary:radius=1",
        "disk:radius=0",
    ],
)
def test_words_that_say_no_encoding_are_refused(text):
    with pytest.raises(InputError):
        HeatMapEncoding.from_text(text)


@pytest.mark.parametrize(
    "record", [{}, {"encoding": None, "polarity": "foreground"}, {"encoding": "disk", "size": "x"}]
)
def test_a_record_that_says_no_encoding_is_refused(record):
    with pytest.raises(InputError):
        HeatMapEncoding.from_record(record)


def test_a_map_in_another_encoding_is_refused():
    needed = HeatMapEncoding("gaussian", 3.0)
    record = drawn(needed).record
    require_encoding(record, needed, polarity="foreground", where="A")
    for other in (HeatMapEncoding("gaussian", 1.0), HeatMapEncoding("gaussian", 3.0, "mm"), HeatMapEncoding("binary")):
        with pytest.raises(InputError, match="heat map"):
            require_encoding(record, other, polarity="foreground", where="A")
    with pytest.raises(InputError):
        require_encoding(record, needed, polarity="background", where="A")
    with pytest.raises(InputError):
        require_encoding({"encoding": None, "polarity": "foreground"}, needed, polarity="foreground", where="A")
    with pytest.raises(InputError):
        drawn(needed, polarity="foreground") and draw_heat_map([], GRID, needed, polarity="tumor")
