"""Models: train."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from oncohort.cli.export_call import given_split, listed
from oncohort.cli.output import Common, ExitCode, print_json, say, shown_progress
from oncohort.errors import SettingsError, shown
from oncohort.formats import open_cohort
from oncohort.formats.training_run import TrainingRun
from oncohort.storage import parse_setting, require_apart
from oncohort.training import TrainingSettings
from oncohort.training import train as train_model

_COMMON = Common()


def train(  # noqa: PLR0913 - each choice is a flag
    cohort: Path,
    settings: Annotated[tuple[str, ...], Parameter(allow_leading_hyphen=False)] = (),
    *,
    out: Path,
    model: Literal["nnunet"] = "nnunet",
    config: str = "3d_fullres",
    split: Path | None = None,
    folds: str = "",
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
    gpus: Annotated[int, Parameter(validator=Number(gte=1))] = 1,
    common: Common = _COMMON,
) -> int:
    """Train a model on a cohort: export, plan, preprocess, train; a killed call continues when it is made again.

    Args:
        cohort: The cohort folder.
        settings: Settings as NAME=VALUE, such as epochs=100 patch_size=[64,64,64]; docs/train.md lists them.
        out: Folder of the run: the model, learning curves, run.json with what was trained on which cases.
        model: What is trained (extra train).
        config: Configuration of nnU-Net: 3d_fullres, 2d or 3d_lowres.
        split: File of a split (oncohort split); its test cases are not trained on. Without, all cases train.
        folds: Folds with commas between, or all; default every fold of the split. More can be added by a later call.
        device: Where it computes; auto takes a graphics card if there is one.
        gpus: Graphics cards that train together (torchrun).
    """
    values = {"model": model, "configuration": config, **_settings(settings)}
    if split is not None and common.overwrite:  # nothing is emptied without
        require_apart(out, [split])
    with shown_progress() as progress:
        run = train_model(
            open_cohort(cohort),
            TrainingSettings.from_dict(values, where="settings"),
            split=given_split(split),
            out=out,
            folds=listed(folds) or None,
            device=device,
            gpus=gpus,
            jobs=common.jobs,
            overwrite=common.overwrite,
            progress=progress,
        )
    if common.json:
        print_json({"out": str(out), "folds": [fold.fold for fold in run.folds], "left_out": dict(run.left_out)})
    _tell(run)
    say(f"run: {out} (oncohort segment COHORT --with nnunet:{out})")
    return ExitCode.REFUSED if run.left_out else ExitCode.DONE


def _settings(texts: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE texts as a table, every name once and none that is a flag."""
    found = [text.partition("=") for text in texts]
    count = Counter(name.strip() for name, _, _ in found) + Counter({"model": 1, "configuration": 1})
    twice = [name for name, times in count.items() if times > 1]
    if twice:
        raise SettingsError(
            expected="every setting once",
            found=f"{shown(twice)} more than once",
            where="settings",
            remedy="give one value; the model is named with --model, the configuration with --config",
        )
    return {name.strip(): parse_setting(value) for name, _, value in found}


def _tell(run: TrainingRun) -> None:
    for case, reason in run.left_out.items():
        say(f"not trained on: {case}: {reason}")
    for fold in run.folds:
        memory = "" if fold.peak_memory_mib is None else f", {fold.peak_memory_mib:.0f} MiB"
        say(
            f"fold {fold.fold}: {len(fold.trained)} cases trained, {len(fold.held_out)} held out, "
            f"{fold.epochs} epochs, {fold.seconds:.0f} s{memory}, checkpoint {fold.sha256[:12]}"
        )
