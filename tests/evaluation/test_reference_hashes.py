import polars as pl

from oncohort.cohort import Cohort, Tables
from oncohort.evaluation import evaluate
from oncohort.segmentation import segment
from oncohort.segmenters import Threshold
from oncohort.storage import sha256_file
from small_cohorts import write_small_cohort


def without_hashes(cohort):
    tables = cohort.tables.named()
    tables["volumes"] = tables["volumes"].with_columns(sha256=pl.lit(None, dtype=pl.String))
    return Cohort(cohort.facts, cohort.scheme, Tables(**tables), cohort.read, cohort.root)


def test_references_that_lie_elsewhere_are_hashed_for_the_record(tmp_path):
    cohort = without_hashes(write_small_cohort(tmp_path / "cohort"))
    done = segment(cohort, Threshold(suv=0.8), out=tmp_path / "predictions")
    for _ in range(2):
        scores = evaluate(cohort, {"suv": done.folder}, profile="autopet-iii", out=tmp_path / "scores")
        found = {row["case"]: row["sha256"] for row in scores.run["inputs"] if row["model"] is None}
        assert found == {
            "A": sha256_file(tmp_path / "cohort/volumes/0/lesions.nii.gz"),
            "B/1": sha256_file(tmp_path / "cohort/volumes/1/lesions.nii.gz"),
        }
