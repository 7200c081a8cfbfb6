"""Boxes of scores as COCO files: pycocotools reads them and finds our numbers; `evaluate` reads them too."""

import contextlib
import io
import json

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from box_cohorts import box, box_cohort, predict
from oncohort import evaluate, rank
from oncohort.cli.app import run_command
from oncohort.errors import InputError
from oncohort.evaluation import write_scores
from oncohort.outputs import write_folder


def random_boxes(seed):
    """References on slices of six cases, and predictions of which most are moved references."""
    draw = np.random.default_rng(seed)
    drawn, guessed = [], []
    for case in "UVWXYZ":
        for _ in range(6):
            start, size = draw.integers(0, 50, 2), draw.integers(8, 40, 2)
            k, name = int(draw.integers(0, 4)), "ABEG"[draw.integers(0, 3)]
            edges = [start[0], start[0] + size[0], start[1], start[1] + size[1]]
            drawn.append(box(case, [*map(int, edges), k, k + 1], name=name))
            for shift in draw.normal(0, 2, (2, 2)):
                moved = [edge + shift[axis // 2] for axis, edge in enumerate(edges)]
                guess = name if draw.random() < 0.8 else "A"
                guessed.append(box(case, [*moved, k, k + 1], name=guess, score=float(draw.random())))
    return drawn, guessed


@pytest.fixture
def scored(tmp_path):
    drawn, guessed = random_boxes(4)
    cohort = box_cohort(drawn)
    folders = {"one": predict(tmp_path / "one", guessed), "half": predict(tmp_path / "half", guessed[::2])}
    return cohort, evaluate(cohort, folders, profile="lung-dx-2d")


def by_pycocotools(folder):
    """Precision (thresholds, classes) of the package; -1 where a class has no reference."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder / "images.json"))
        evaluation = COCOeval(truth, truth.loadRes(str(folder / "results.json")), "bbox")
        evaluation.params.maxDets = [100]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation.eval["precision"][:, :, :, 0, -1].mean(axis=1)


def test_pycocotools_finds_the_same_map_in_the_files(scored, tmp_path):
    _, scores = scored
    write_folder("coco", tmp_path / "coco", scores, rank(scores, bootstrap=0))
    table = rank(scores, bootstrap=0).filter(metric="coco_map")
    for model in ("one", "half"):
        precision = by_pycocotools(tmp_path / "coco" / model)
        info = json.loads((tmp_path / "coco" / model / "images.json").read_text())["info"]
        assert (info["profile"], info["profile_version"]) == ("lung-dx-2d", "1")
        found = {row["structure"]: row["estimate"] for row in table.filter(model=model).to_dicts()}
        expected = dict(zip("ABEG", precision.mean(axis=0), strict=True))
        assert found["G"] is None
        assert expected["G"] == -1
        assert [found[name] for name in "ABE"] == pytest.approx([expected[name] for name in "ABE"], abs=1e-9)
        assert found["macro mean"] == pytest.approx(precision[precision > -1].mean(), abs=1e-9)
        assert 0.1 < found["macro mean"] < 0.9


def test_boxes_have_no_summary_of_nnunet(scored, tmp_path):
    cohort, scores = scored
    for given in (None, cohort):
        with pytest.raises(InputError, match="scores with dice or jaccard"):
            write_folder("nnunet", tmp_path, scores, rank(scores, bootstrap=0), cohort=given)


def test_evaluate_reads_the_files_it_wrote(scored, tmp_path):
    cohort, scores = scored
    write_folder("coco", tmp_path / "coco", scores, rank(scores, bootstrap=0))
    again = evaluate(cohort, {name: tmp_path / "coco" / name for name in ("one", "half")}, profile="lung-dx-2d")
    assert again.table.equals(scores.table)
    assert again.run["confusion"] == scores.run["confusion"]


def test_the_command_writes_them_and_shows_the_confusion(scored, tmp_path, capsys):
    write_scores(tmp_path / "scores", scored[1])
    arguments = ["rank", str(tmp_path / "scores"), "--bootstrap", "0"]
    assert run_command([*arguments, "--format", "coco", "--out", str(tmp_path / "coco")]) == 0
    assert "images in images.json" in capsys.readouterr().err
    assert json.loads((tmp_path / "coco/one/results.json").read_text())[0].keys() == {
        "image_id", "category_id", "bbox", "score",
    }  # fmt: skip
    assert run_command([*arguments, "--json"]) == 0
    confusion = json.loads(capsys.readouterr().out)["confusion"]
    assert sum(row["boxes"] for row in confusion if row["model"] == "one" and row["reference"] != "none") == 36
    assert run_command([*arguments, "--format", "markdown"]) == 0
    text = capsys.readouterr().out
    assert "Confusion of classes, one" in text
    assert "| Reference |" in text
    assert run_command([*arguments, "--format", "html", "--out", str(tmp_path / "page.html")]) == 0
    assert "per slice" in (tmp_path / "page.html").read_text()


def test_boxes_of_scans_and_masks_have_no_coco_form(tmp_path):
    cohort = box_cohort([box("A", (1, 9, 1, 9, 2, 6))])
    folder = predict(tmp_path / "m", [box("A", (1, 9, 1, 9, 2, 6), score=0.5)])
    scores = evaluate(cohort, {"m": folder}, profile="lung-dx-3d")
    with pytest.raises(InputError, match="no third axis"):
        write_folder("coco", tmp_path / "coco", scores, rank(scores, bootstrap=0))
