"""MOOSE, as it is installed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from oncohort.cohort import Case, Cohort
from oncohort.errors import FormatError
from oncohort.formats import read_label_map
from oncohort.labels import LabelScheme
from oncohort.layouts import enhance_pet
from oncohort.segmenters.calling import (
    call_program,
    measured,
    require_file,
    require_program,
    require_roles,
    write_role,
)
from oncohort.segmenters.parameters import require_positive, wrong_parameter
from oncohort.segmenters.protocol import Prediction, PreparedSegmenter, UnpreparedSegmenter
from oncohort.segmenters.tool_labels import (
    ToolLabels,
    choose_labels,
    dropped_note,
    join_maps,
    recode,
    require_choice,
    whole_names,
)
from oncohort.storage import content_key, read_json, temporary_folder
from oncohort.volume import LabelMap
from oncohort.workers.programs import Ran

_PROGRAM, _PACKAGE = "moosez", "moosez"
_ROLE = "ct"
_MODELS = {group.model: group for group in enhance_pet.GROUPS.values()}
_DEVICES = ("auto", "cpu")
_NO_CARD = {"cpu": {"CUDA_VISIBLE_DEVICES": ""}}
_JSON_BYTES = 1 << 20


@dataclass(frozen=True)
class Moose(UnpreparedSegmenter):
    """MOOSE on the CT, called once per case in a folder of its own.

    Its labels become those of the cohort where the cohort knows them by name, by alias, or by what a published data
    set calls them; the others become background. Where masks of several models overlap, the mask has further layers.

    Args:
        models: Its models for CT, with commas or spaces between them.
        device: `auto` (what MOOSE chooses), or `cpu` to hide CUDA cards from it.
        labels: `cohort`, or `own` to keep the integers and names of the one model.
        timeout_s: Seconds after which it is stopped, for each case.

    Raises:
        SettingsError: A parameter is out of range, or there is no such model.

    Examples:
        >>> Moose(models="clin_ct_organs clin_ct_ribs").model_names
        ('clin_ct_organs', 'clin_ct_ribs')
    """

    models: str = "clin_ct_organs"
    device: str = "auto"
    labels: str = "cohort"
    timeout_s: float = 7200.0

    name: ClassVar[str] = "moose"
    description: ClassVar[str] = "MOOSE on the CT, if it is installed"
    needs: ClassVar[tuple[str, ...]] = (_ROLE,)
    main: ClassVar[str | None] = None

    def __post_init__(self) -> None:
        require_positive("timeout_s", self.timeout_s, segmenter=self.name)
        require_choice(self.labels, segmenter=self.name)
        if self.device not in _DEVICES:
            raise wrong_parameter(self.name, f"device as one of {', '.join(_DEVICES)}", repr(self.device))
        names = self.model_names
        if not names or len(set(names)) < len(names) or not set(names) <= set(_MODELS):
            raise wrong_parameter(self.name, f"models as some of {', '.join(_MODELS)}, each once", repr(self.models))
        if self.labels == "own" and len(names) > 1:
            raise wrong_parameter(self.name, "one model for labels=own, because models share integers", self.models)

    @property
    def model_names(self) -> tuple[str, ...]:
        """The models one by one."""
        return tuple(re.split(r"[,\s]+", self.models.strip())) if isinstance(self.models, str) else ()

    def prepared(self, cohort: Cohort) -> ReadyMoose:
        """The segmenter with the program, for a cohort that knows labels of its models.

        Raises:
            MissingNeedError: It is not installed, or no case has a CT.
            LabelError: The cohort knows none of the labels that the models are published with.
        """
        program = require_program(_PROGRAM, segmenter=self.name, package=_PACKAGE)
        require_roles(cohort, (_ROLE,), segmenter=self.name)
        groups = [_MODELS[name] for name in self.model_names]
        published = {value + group.offset: name for group in groups for value, name in group.labels.items()}
        choose_labels(published, self.labels, cohort=cohort.scheme, tool=self.name)
        return ReadyMoose(self, cohort.scheme, content_key(cohort.scheme.to_dict()), program)


@dataclass(frozen=True)
class ReadyMoose(PreparedSegmenter):
    """MOOSE as it is installed.

    Attributes:
        settings: What was asked for.
        scheme: Labels of the cohort.
        scheme_key: What changes with them.
        program: Where it lies.
    """

    settings: Moose
    scheme: LabelScheme = field(repr=False)
    scheme_key: str
    program: str = field(repr=False)

    def predict(self, case: Case) -> Prediction:
        """The mask of a case on the grid of its CT.

        Raises:
            MissingNeedError: The case has no CT.
            PredictionError: The program cannot be run, fails, takes too long, or writes no mask.
            FormatError: What it writes is no mask, or does not say what its integers are.
            GeometryError: A mask lies on another grid.
            LabelError: A mask has a label that the model does not declare.
        """
        with temporary_folder() as there:
            folder = Path(there) / "cases"
            subject = folder / "case"
            subject.mkdir(parents=True)
            write_role(case, _ROLE, subject / "CT_case.nii.gz", segmenter=self.name)
            settings = self.settings
            words = [self.program, "-d", str(folder), "-m", *settings.model_names]
            ran = call_program(
                words,
                folder=Path(there),
                timeout_s=settings.timeout_s,
                case=case.id,
                variables=_NO_CARD.get(settings.device),
            )
            geometry = case.image(_ROLE).geometry
            parts = [self._mask(subject, model, ran, case) for model in settings.model_names]
            for mask, _ in parts:
                geometry.require_same_grid(mask.geometry, what="the mask", where=f"case {case.id}, {self.name}")
            joined = join_maps([mask for mask, _ in parts])
            dropped = tuple(name for _, names in parts for name in names)
            facts = {"tool": f"{_PACKAGE} {_version(subject)}", "models": list(settings.model_names)}
            return Prediction(joined, notes=dropped_note(dropped), measured=measured(ran), facts=facts)

    def _mask(self, subject: Path, model: str, ran: Ran, case: Case) -> tuple[LabelMap, tuple[str, ...]]:
        """The mask of one model with the integers of the result, and the names of labels that became background."""
        imaging, modality, region = model.split("_", 2)
        prefix = f"{imaging}_{modality.upper()}_{region}_"
        where = f"case {case.id}, {model}"
        path = _written(subject, f"{prefix}segmentation_*.nii.gz")
        require_file(path, f"a mask of {model}", ran, case=case.id, program=self.program)
        assert path is not None
        names = _names(path.with_name(f"{prefix}organ_indices.json"), where)
        labels = (
            ToolLabels.own(names, self.name)
            if self.settings.labels == "own"
            else ToolLabels.of_cohort(names, self.scheme)
        )
        return recode(read_label_map(path, labels.scheme), labels, where)


def _written(subject: Path, pattern: str) -> Path | None:
    """The one file of a name in the folder that MOOSE makes beside the image and calls by the time."""
    found = sorted(subject.glob(f"moosez-*/segmentations/{pattern}"))
    return found[-1] if found else None


def _names(path: Path, where: str) -> dict[int, str]:
    """What MOOSE says of the integers of a mask."""
    said = read_json(path, most_bytes=_JSON_BYTES)
    try:
        names = {value: about["name"] for value, about in said["organ_indices"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError(
            expected="organ_indices with a name for every integer",
            found=repr(said)[:200],
            where=f"{where}, {path.name}",
            remedy="use a version of MOOSE that writes them, such as 3.2",
        ) from error
    return whole_names(names, where=f"{where}, {path.name}")


def _version(subject: Path) -> str:
    """The version that MOOSE puts down beside its masks; a question mark if it does not."""
    path = _written_information(subject)
    try:
        said = {} if path is None else read_json(path, most_bytes=_JSON_BYTES)
    except FormatError:
        return "?"
    return str(said.get("tool_version", "?")) if isinstance(said, dict) else "?"


def _written_information(subject: Path) -> Path | None:
    return next(iter(sorted(subject.glob("moosez-*/MOOSE_information.json"))), None)
