"""Golden numbers of lung_pet_ct_dx.md, sections 4 and 5, through files, `evaluate` and `rank`."""

import xml.etree.ElementTree as ET

import numpy as np
import pydicom
import pytest

from box_cohorts import box, box_cohort, estimates, on_disk, predict, volume
from box_vectors import PREDICTION, REFERENCE, parse
from lung_dx_boxes import A0001, PIXEL_MM
from oncohort import evaluate, rank
from oncohort.boxes import from_corners
from oncohort.profiles import parse_profile

HEAD = """
type = "oncohort.profile"
format_version = 1
name = "vectors"
version = "1"
kind = "boxes"
title = "Boxes of one class"
source = "test"
unit = "case"
missing = "worst"

[target]
role = "ct"
structure = "object"

[boxes]
dimension = 2
image = "slice"
pixel_rule = "RULE"
hit = "iou"
threshold = THRESHOLD
matching = "voc"
interpolation = "all-point"
images_without_reference = "count"
cases_without_boxes = "count"

[subsets]
columns = []
without_columns = "one-subset"

[ranking]
scheme = "rank-cohort-means"
ties = "min"
tie_break = "area"
"""
COUNT = """
[[metric]]
name = "NAME"
weight = 0.0
aggregate = "mean"
reference_empty = "measured"
prediction_empty = "measured"
both_empty = "measured"
missing = "as-empty"
"""
NUMBERS = """
[[box_metric]]
name = "box_ap"
label = "area"
weight = 1.0

[[box_metric]]
name = "box_ap"
label = "eleven"
interpolation = "11-point"

[[box_metric]]
name = "box_ap"
label = "hundred"
interpolation = "101-point"
matching = "coco"

[[box_metric]]
name = "froc_cpm"

[[box_metric]]
name = "froc_cpm"
label = "six_points"
false_positives = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0]

[[box_metric]]
name = "froc_sensitivity"
label = "at_1"
false_positives = [1.0]
"""


def protocol(rule, threshold):
    head = HEAD.replace("RULE", rule).replace("THRESHOLD", str(threshold))
    counts = [COUNT.replace("NAME", name) for name in ("lesion_tp", "lesion_fp", "lesion_fn", "reference_lesions")]
    return parse_profile("".join([head, *counts, NUMBERS]), where="vectors")


def flat(case, x, y, width, height, **more):
    return box(case, (int(x), int(x + width), int(y), int(y + height), 0, 1), **more)


@pytest.fixture
def vector_1(tmp_path):
    """Seven images as seven patients of one slice each."""
    drawn = [flat(f"image {image + 1}", *edges) for image, *edges in parse(REFERENCE)]
    found = [flat(f"image {image + 1}", *edges, score=score) for image, score, *edges in parse(PREDICTION)]
    cases = list(dict.fromkeys(row["case"] for row in drawn))
    volumes = [volume(case, shape=(300, 300, 1)) for case in cases]
    cohort = on_disk(box_cohort(drawn, cases=cases, volumes=volumes), tmp_path / "cohort")
    return cohort, predict(tmp_path / "model", found)


@pytest.mark.parametrize(
    ("threshold", "rule", "hits", "eleven", "area", "hundred"),
    [
        (0.1, "inclusive", 9, 0.333333, 0.337198, 0.340651),
        (0.1, "half-open", 8, 0.302454, 0.280133, 0.282564),
        (0.3, "inclusive", 7, 0.268398, 0.245687, 0.248160),
        (0.3, "half-open", 6, 0.268398, 0.225397, 0.230080),
        (0.5, "inclusive", 1, 0.030303, 0.022222, 0.023102),
        (0.5, "half-open", 1, 0.030303, 0.022222, 0.023102),
    ],
)
def test_vector_1(vector_1, threshold, rule, hits, eleven, area, hundred):
    cohort, folder = vector_1
    scores = evaluate(cohort, {"m": folder}, profile=protocol(rule, threshold))
    assert scores.table.filter(metric="lesion_tp")["value"].sum() == hits
    found = estimates(rank(scores, bootstrap=0), "object")
    assert (found["eleven"], found["area"], found["hundred"]) == pytest.approx((eleven, area, hundred), abs=5e-7)


def test_vector_1_froc_and_its_draws(vector_1):
    cohort, folder = vector_1
    table = rank(evaluate(cohort, {"m": folder}, profile=protocol("inclusive", 0.1)), bootstrap=2000)
    found = estimates(table, "object")
    assert found["froc_cpm"] == pytest.approx(0.370238, abs=5e-7)
    assert found["six_points"] == pytest.approx(0.422222, abs=5e-7)
    assert found["at_1"] == pytest.approx(0.466667, abs=5e-7)
    (area,) = table.filter(metric="area").to_dicts()
    assert (area["low"], area["high"]) == pytest.approx((0.2059, 0.5839), abs=0.02)  # of other draws: tolerance 0.01
    half_open = rank(evaluate(cohort, {"m": folder}, profile=protocol("half-open", 0.1)), bootstrap=0)
    assert estimates(half_open, "object")["froc_cpm"] == pytest.approx(0.313095, abs=5e-7)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("111111110111", (0.886364, 0.895833, 0.890264)), ("101011110101", (0.492424, 0.509722, 0.509241))],
)
def test_vector_2(tmp_path, flags, expected):
    """12 references on 12 slices; predictions by rank are hits, or lie elsewhere."""
    drawn = [box("A", (10, 20, 10, 20, k, k + 1)) for k in range(12)]
    found = [
        box("A", (10, 20, 10, 20, k, k + 1) if flag == "1" else (50, 60, 50, 60, k, k + 1), score=1 - k / 20)
        for k, flag in enumerate(flags)
    ]
    scores = evaluate(box_cohort(drawn), {"m": predict(tmp_path / "m", found)}, profile=protocol("half-open", 0.5))
    values = estimates(rank(scores, bootstrap=0), "object")
    assert (values["eleven"], values["area"], values["hundred"]) == pytest.approx(expected, abs=5e-7)


def a0001(series, role, **more):
    """Slice boxes of A0001, plain corners, on slices 5 mm apart; scores fall from the lowest slice on."""
    for number, (z, (i0, j0, i1, j1)) in enumerate(sorted(A0001[series].items())):
        k = round((z + 234) / 5)
        row = box("A0001", (i0, i1, j0, j1, k, k + 1), volume=role)
        yield row | {name: make(number) for name, make in more.items()}


def grid(role="ct"):
    return volume("A0001", role, shape=(512, 512, 11), spacing=(-PIXEL_MM, -PIXEL_MM, 5.0), origin=(0, 0, -234.0))


def test_a0001_slices(tmp_path):
    """Soft as detections of sharp (11 boxes): TP 9 and 7, AP 0.818182 (101 points 0.811881) and 0.554455."""
    cohort = box_cohort(list(a0001("sharp", "ct")), volumes=[grid()])
    folder = predict(tmp_path / "soft", list(a0001("soft", "ct", score=lambda n: 0.95 - 0.05 * n)))
    scores = evaluate(cohort, {"soft": folder}, profile="lung-dx-2d")
    counts = {row["metric"]: row["value"] for row in scores.table.filter(structure="A").to_dicts()}
    assert (counts["lesion_tp"], counts["lesion_fp"], counts["lesion_fn"]) == (9, 0, 2)
    own = scores.candidates.filter(hit="iou", matching="coco")
    assert own.filter(threshold=0.75, outcome="hit").height == 7
    assert own.filter(threshold=0.5)["iou"].mean() == pytest.approx(0.778714, abs=5e-7)
    found = estimates(rank(scores, bootstrap=0))
    assert found["voc_ap_50"] == pytest.approx(0.818182, abs=5e-7)
    assert found["coco_ap_50"] == pytest.approx(0.811881, abs=5e-7)
    assert found["coco_ap_75"] == pytest.approx(0.554455, abs=5e-7)


def soft_lesion(**more):
    """The box round the soft reading: 62.3 x 85.0 x 45 mm."""
    rows = list(a0001("soft", "ct"))
    low, high = (lambda key: min(row[key] for row in rows)), (lambda key: max(row[key] for row in rows))
    return box("A0001", (low("i0"), high("i1"), low("j0"), high("j1"), low("k0"), high("k1")), **more)


def test_a0001_lesions(tmp_path):
    """IoU3D of the two readings: 0.673825 with plain corners."""
    cohort = box_cohort(list(a0001("sharp", "ct")), volumes=[grid()])
    folder = predict(tmp_path / "soft", [soft_lesion(score=0.9)])
    scores = evaluate(cohort, {"soft": folder}, profile="lung-dx-3d")
    first = scores.candidates.row(0, named=True)
    assert (first["matched_lesion"], first["outcome"]) == (1, "hit")
    assert first["iou"] == pytest.approx(0.673825, abs=5e-7)
    assert scores.run["images"] == {"A0001": 1}
    found = estimates(rank(scores, bootstrap=0))
    assert found == pytest.approx(dict.fromkeys(found, 1.0) | {"lesion_fp": 0, "lesion_fn": 0})


def test_a0001_readings_of_two_reconstructions_are_one_lesion(tmp_path):
    drawn = [*a0001("sharp", "ct"), *a0001("soft", "ct.2")]
    cohort = box_cohort(drawn, volumes=[grid(), grid("ct.2")])
    scores = evaluate(cohort, {"m": predict(tmp_path / "m", [soft_lesion(score=0.9)])}, profile="lung-dx-3d")
    counts = {row["metric"]: row["value"] for row in scores.table.filter(structure="A").to_dicts()}
    assert (counts["reference_lesions"], counts["lesion_tp"]) == (1, 1)
    (note,) = scores.run["notes"]  # 0.675280 between pixel edges; the corners here are plain
    assert "a median IoU3D of 0.67 (pairs: 1)" in note
    readings = scores.boxes.filter(side="reference")
    assert readings.select("number", "volume", "k0", "k1").rows() == [(1, "ct", 0.0, 11.0), (1, "ct.2", 1.0, 10.0)]
    assert scores.candidates["iou"][0] == pytest.approx(74 * 101 * 9 / (82 * 104 * 11))  # against the box round both


TAGS = ["SOPInstanceUID", "SeriesInstanceUID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"]


@pytest.mark.real_data
def test_a0002_through_the_whole_path(real_data, tmp_path):
    """Two readings of 8 and 10 slices become one lesion; the shorter as detection of the longer has IoU3D 0.643654."""
    series = {}
    for path in sorted(real_data("lung_pet_ct_dx").rglob("*.dcm")):
        header = pydicom.dcmread(path, specific_tags=TAGS, stop_before_pixels=True)
        series.setdefault(header.SeriesInstanceUID, []).append(header)
    volumes, places = [], {}
    for number, headers in enumerate(series.values(), start=1):
        role = "ct" if number == 1 else f"ct.{number}"
        headers.sort(key=lambda one: float(one.ImagePositionPatient[2]))
        zs = [float(one.ImagePositionPatient[2]) for one in headers]
        x, y = (-float(value) for value in headers[0].ImagePositionPatient[:2])
        pixel = float(headers[0].PixelSpacing[0])
        step = float(np.median(np.diff(zs)))
        volumes.append(
            volume("A0002", role, shape=(512, 512, len(zs)), spacing=(-pixel, -pixel, step), origin=(x, y, zs[0]))
        )
        places |= {one.SOPInstanceUID: (role, round((z - zs[0]) / step)) for one, z in zip(headers, zs, strict=True)}
    rows = []
    for path in sorted(real_data("lung_pet_ct_dx").rglob("*.xml")):
        role, k = places[path.stem]
        for drawn in ET.parse(path).getroot().iter("object"):
            corners = [int(drawn.findtext(f"bndbox/{name}")) for name in ("xmin", "ymin", "xmax", "ymax")]
            (i, j) = from_corners([corners], pixel_rule="half-open", pixel_base=0)[0].astype(int).tolist()
            name = drawn.findtext("name").upper()
            rows.append(box("A0002", (*i, *j, k, k + 1), volume=role, name=name, slice_uid=path.stem))
    roles = sorted({row["volume"] for row in rows}, key=lambda role: sum(row["volume"] == role for row in rows))
    assert [sum(row["volume"] == role for row in rows) for role in roles] == [8, 10]
    cohort = on_disk(box_cohort(rows, volumes=volumes), tmp_path / "cohort")
    anything = predict(tmp_path / "any", [], looked_at=["A0002"])
    readings = evaluate(cohort, {"m": anything}, profile="lung-dx-3d").boxes.to_dicts()
    assert {row["number"] for row in readings} == {1}
    assert sorted(row["k1"] - row["k0"] for row in readings) == [8, 10]
    alone = box_cohort([row for row in rows if row["volume"] == roles[1]], volumes=volumes)
    (shorter,) = (row for row in readings if row["volume"] == roles[0])
    shift = (
        next(one for one in volumes if one["role"] == roles[0]),
        next(one for one in volumes if one["role"] == roles[1]),
    )
    assert shift[0]["affine"][:11] == shift[1]["affine"][:11]
    offset = (shift[0]["affine"][11] - shift[1]["affine"][11]) / shift[0]["affine"][10]
    edges = [shorter[name] for name in ("i0", "i1", "j0", "j1")]
    moved = box("A0002", (*edges, shorter["k0"] + offset, shorter["k1"] + offset), volume=roles[1], name="A", score=1.0)
    scores = evaluate(alone, {"m": predict(tmp_path / "short", [moved])}, profile="lung-dx-3d")
    assert scores.candidates["iou"][0] == pytest.approx(0.643654, abs=5e-7)
    assert estimates(rank(scores, bootstrap=0))["map"] == 1.0
