"""Several structures of a cohort, in layers and groups, from files."""

import numpy as np
import polars as pl
import pytest

from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.evaluation import evaluate
from oncohort.formats import open_cohort, write_cohort, write_label_map
from oncohort.formats.nifti import header_facts
from oncohort.formats.predictions import write_prediction
from oncohort.labels import LabelScheme
from oncohort.profiles import load_profile, parse_profile
from oncohort.volume import LabelMap

SCHEME = LabelScheme("s", {"mass": 1, "oedema": 2, "liver": 300}, groups={"tumour": ("mass", "oedema")})
PROFILE = parse_profile(
    load_profile("organs")
    .text.replace('"each"', '["tumour", "mass", "liver"]')
    .replace('name = "hd95_mm"', 'name = "hd95_mm"\nstructures = ["liver"]'),
    where="test",
)


@pytest.fixture
def layered(tmp_path, helpers):
    """Mass and oedema overlap, so that each side has two layers, in another order."""
    block, grid, _ = helpers
    masks = {"mass": block(2, 2, 2) > 0, "oedema": block(1, 1, 1, edge=4) > 0, "liver": block(7, 6, 2) > 0}
    reference = LabelMap.from_masks(masks, grid, SCHEME)
    moved = {name: np.roll(mask, 1, axis=0) for name, mask in reversed(masks.items())}
    prediction = LabelMap.from_masks(moved, grid, SCHEME)
    assert len(reference.layers) == len(prediction.layers) == 2
    facts = write_label_map(tmp_path / "cohort" / "a.nii.gz", reference)
    row = {"case": "A", "role": "organs", "path": "a.nii.gz", "unit": "label", **header_facts(reference), **facts}
    tables = Tables.from_rows({"cases": [{"case": "A", "patient": "P"}], "volumes": [row]})
    write_cohort(tmp_path / "cohort", Cohort(CohortFacts("layers", "test"), SCHEME, tables))
    (tmp_path / "m").mkdir()
    write_prediction(tmp_path / "m", "A", prediction)
    return open_cohort(tmp_path / "cohort"), tmp_path


def test_structures_are_found_in_whatever_layer(layered):
    cohort, root = layered
    scores = evaluate(cohort, {"m": root / "m"}, profile=PROFILE)
    assert scores.run["structures"] == ["tumour", "mass", "liver"]
    dice = scores.table.filter(pl.col("metric") == "dice").select("structure", "value").rows()
    assert dice == [("tumour", 0.75), ("mass", 0.5), ("liver", 0.5)]
    assert scores.table.filter(pl.col("metric") == "hd95_mm")["structure"].to_list() == ["liver"]
    assert scores.table["patient"].to_list() == ["P"] * 13
    assert scores.run["findings"] == []


def test_a_missing_prediction_has_a_row_for_every_structure(layered):
    cohort, root = layered
    write_prediction(root / "m", "B", cohort["A"].label_map("organs"))
    (root / "m" / "A.nii.gz").write_bytes(b"x")
    tables = cohort.tables.named()
    both = [tables["cases"], tables["cases"].with_columns(case=pl.lit("B"))]
    volumes = [tables["volumes"], tables["volumes"].with_columns(case=pl.lit("B"))]
    tables = Tables(**{**tables, "cases": pl.concat(both), "volumes": pl.concat(volumes)})
    scores = evaluate(
        Cohort(cohort.facts, cohort.scheme, tables, cohort.read, cohort.root), {"m": root / "m"}, profile=PROFILE
    )
    missing = scores.table.filter((pl.col("case") == "A") & (pl.col("metric") == "nsd"))
    assert missing.select("structure", "value").rows() == [("tumour", 0.0), ("mass", 0.0), ("liver", 0.0)]
    whole = scores.table.filter((pl.col("case") == "B") & (pl.col("metric") == "nsd"))
    assert whole["value"].to_list() == [1.0] * 3


def test_another_numbering_is_another_score(layered, tmp_path):
    cohort, root = layered
    evaluate(cohort, {"m": root / "m"}, profile=PROFILE, out=tmp_path / "out")
    swapped = LabelScheme("s", {"mass": 300, "oedema": 2, "liver": 1}, groups=SCHEME.groups)
    again = Cohort(cohort.facts, swapped, cohort.tables, cohort.read, cohort.root)
    scores = evaluate(again, {"m": root / "m"}, profile=PROFILE, out=tmp_path / "out")
    volumes = scores.table.filter((pl.col("metric") == "dice") & (pl.col("structure") == "tumour"))
    assert volumes["value"][0] != 0.75


def test_lesion_numbers_of_a_reference_are_no_unknown_labels(world, helpers):
    block, _, _ = helpers
    text = load_profile("lesions").text.replace("table = true", "table = true\ninstances = true")
    world.add("A", block(2, 2, 2) * 5 | block(6, 6, 4) * 9)
    world.predict("m", "A", block(2, 2, 2))
    scores = evaluate(world.cohort(), world.folders("m"), profile=parse_profile(text, where="test"))
    assert [row["rule"] for row in scores.run["findings"]] == ["image_unusable"]
    assert scores.lesions.filter(pl.col("side") == "reference")["lesion"].to_list() == [5, 9]
