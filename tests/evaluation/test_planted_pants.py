"""A whole PanTS test set through files: the confusion that was planted comes back, in less than a minute."""

import time

import numpy as np
import pytest

from oncohort import rank
from oncohort.evaluation import evaluate
from oncohort.outputs import pants_rows
from planted_pants import EDGE, PANTS, TENTH, write_planted


def check(scores, planted):
    """Every number of the leaderboard against what was planted."""
    free = planted.cases - planted.positives
    right = free - planted.false_alarms
    (row,) = pants_rows(scores)
    shares = (row.patient_sensitivity, row.tumour_sensitivity, row.specificity)
    assert [(one.successes, one.total) for one in shares] == [
        (planted.called, planted.positives),
        (planted.hit, planted.tumours),
        (right, free),
    ]
    table = rank(scores, bootstrap=0).filter(subset="all")
    found = {metric: (estimate, n) for metric, estimate, n in table.select("metric", "estimate", "n").rows()}
    assert found["tumour_sensitivity_iou"][0] == pytest.approx((planted.hit - planted.grazed) / planted.tumours)
    assert found["dice"][1] == found["nsd_1mm"][1] == planted.positives
    assert found["auc"][0] == pytest.approx(area(scores))
    per_case = scores.table.filter(metric="dice").drop_nulls("value").sort("case")["value"].to_numpy()
    assert per_case == pytest.approx([dice(planted, number) for number in range(planted.positives)])
    return row


def dice(planted, number):
    """By the definition, on the masks themselves."""
    reference, prediction = (mask == 28 for mask in planted.masks(number))
    return 2 * (reference & prediction).sum() / (reference.sum() + prediction.sum())


def area(scores):
    """The share of pairs of a positive and a negative in which the positive has more predicted; ties count half."""
    volumes = {}
    for name in ("reference_volume_ml", "prediction_volume_ml"):
        rows = scores.table.filter(metric=name)
        volumes[name] = dict(zip(rows["case"], rows["value"], strict=True))
    truth = np.array([volumes["reference_volume_ml"][case] > 0 for case in volumes["reference_volume_ml"]])
    said = np.array([volumes["prediction_volume_ml"][case] for case in volumes["reference_volume_ml"]])
    differences = said[truth][:, None] - said[~truth][None, :]
    return ((differences > 0) + (differences == 0) / 2).mean()


def test_a_tenth_of_the_test_set_gives_the_confusion_that_was_planted(tmp_path):
    assert (2 * EDGE - 1) ** 3 > 10  # one voxel of two cubes is far below IoU 0.1
    cohort, folders = write_planted(tmp_path, TENTH)
    check(evaluate(cohort, folders, profile="pants"), TENTH)


def test_the_whole_test_set_in_less_than_a_minute(tmp_path):
    """901 patients on the PET grid of a phantom; one process, reading included."""
    cohort, folders = write_planted(tmp_path, PANTS)
    started = time.monotonic()
    scores = evaluate(cohort, folders, profile="pants")
    seconds = time.monotonic() - started
    row = check(scores, PANTS)
    printed = [f"{100 * one.value:.1f}" for one in (row.patient_sensitivity, row.tumour_sensitivity, row.specificity)]
    assert printed == ["80.8", "75.2", "90.0"]
    assert seconds < 60.0
