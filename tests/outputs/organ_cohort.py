"""A cohort of a few voxels with two organs, predictions of two models, and their scores."""

import numpy as np

from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.evaluation import evaluate
from oncohort.formats import open_cohort, write_cohort, write_nifti
from oncohort.formats.nifti import header_facts
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.profiles import parse_profile
from oncohort.units import Unit
from oncohort.volume import Volume

GRID = Geometry((7, 6, 5), np.diag([-2.0, -1.5, 3.0, 1.0]))
SCHEME = LabelScheme("organs", {"liver": 2, "spleen": 5})
CASES = ("A", "B", "C", "D")

HEAD = """
type = "oncohort.profile"
format_version = 1
name = "voxels"
version = "3"
title = "Overlap and volumes"
source = "these tests"
unit = "case"
missing = "worst"
target = { role = "organs", structures = "each" }
subsets = { columns = [], without_columns = "one-subset" }
ranking = { scheme = "rank-subset-means", ties = "min", tie_break = "TIE" }
"""


def rule(name, weight=0.0, *, empty="measured", both="undefined", missing="as-empty", more=""):
    return (
        f'[[metric]]\nname = "{name}"\nweight = {weight}\naggregate = "mean"\nreference_empty = "{empty}"\n'
        f'prediction_empty = "{empty}"\nboth_empty = "{both}"\nmissing = "{missing}"\n{more}\n'
    )


VOLUMES = [
    rule("reference_volume_ml", both="measured"),
    rule("prediction_volume_ml", both="measured", missing="undefined"),
]


def profile(*rules, tie="dice"):
    return parse_profile("\n".join([HEAD.replace("TIE", tie), *rules]), where="test")


NNUNET_LIKE = profile(rule("dice", 1.0), rule("jaccard"), *VOLUMES)


def masks():
    """Reference and both predictions of every case; the second model has none for D."""
    rng = np.random.default_rng(4)

    def drawn(*labels):
        return rng.choice(np.array([0, 0, *labels], np.uint8), GRID.shape)

    return {
        "A": (drawn(2, 5), drawn(2, 5), drawn(2, 5)),
        "B": (drawn(2), drawn(5), drawn(2, 5)),
        "C": (drawn(2), drawn(2), drawn(0)),
        "D": (drawn(2, 5), drawn(2, 5), None),
    }


def write_organs(folder):
    """The cohort on disk, and the folders of predictions by model."""
    rows, volumes = [], []
    for case, (reference, *predictions) in masks().items():
        rows.append({"case": case, "patient": case})
        path = save(folder / "cohort" / f"volumes/{case}.nii.gz", reference)
        facts = header_facts(Volume.from_array(reference, GRID, Unit.LABEL))
        volumes.append(
            {"case": case, "role": "organs", "path": f"volumes/{case}.nii.gz", "unit": "label", **facts, **path}
        )
        for model, mask in zip(("first", "second"), predictions, strict=True):
            if mask is not None:
                save(folder / model / f"{case}.nii.gz", mask)
    tables = Tables.from_rows({"cases": rows, "volumes": volumes})
    write_cohort(folder / "cohort", Cohort(CohortFacts("organs", "test"), SCHEME, tables))
    return open_cohort(folder / "cohort"), {model: folder / model for model in ("first", "second")}


def save(path, mask):
    return write_nifti(path, Volume.from_array(mask, GRID, Unit.LABEL))


def score_organs(folder, protocol=NNUNET_LIKE):
    cohort, predictions = write_organs(folder)
    return cohort, evaluate(cohort, predictions, profile=protocol)
