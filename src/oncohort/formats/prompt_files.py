"""Prompts in the JSON files of the autoPET challenges.

::

    simple          {"tumor": [[i, j, k], ...], "background": [...]}
    gc              {"version": {"major": 1, "minor": 0}, "type": "Multiple points",
                     "points": [{"point": [i, j, k], "name": "tumor"}, ...]}
    longitudinal    gc with "name": "Points of interest"; the name of a point is the id of its lesion

Coordinates are indices i, j, k of the NIfTI array, not mm and not z, y, x, although the schema `gc` of the platform
means world mm elsewhere. Clicks come in order: the first of each polarity belongs to step 1, the second to step 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from oncohort.errors import FormatError, SettingsError
from oncohort.prompts import Prompt
from oncohort.storage import read_json, write_json

DIALECTS = ("simple", "gc", "longitudinal")

_POLARITIES = {"tumor": "foreground", "background": "background"}
_NAMES = {polarity: name for name, polarity in _POLARITIES.items()}
_GC_TYPE = "Multiple points"
_LONGITUDINAL_NAME = "Points of interest"
_MOST_BYTES = 32 << 20
_Point = tuple[str, list[float]]


def find_dialect(values: Any) -> str | None:
    """The dialect of the value in a JSON file; None if it is none.

    Examples:
        >>> find_dialect({"tumor": [], "background": []}), find_dialect({"type": "Multiple points", "points": []})
        ('simple', 'gc')
    """
    if not isinstance(values, dict):
        return None
    points = values.get("points")
    if isinstance(points, list):
        names = [point.get("name") for point in points if isinstance(point, dict)]
        named = any(isinstance(name, str) and name in _POLARITIES for name in names)
        is_lesions = not named and (bool(names) or values.get("name") == _LONGITUDINAL_NAME)
        return "longitudinal" if is_lesions else "gc"
    return "simple" if values and set(values) <= set(_POLARITIES) else None


def read_prompts(
    path: str | Path, *, dialect: str | None = None, kind: str = "click", origin: str | None = None
) -> list[Prompt]:
    """The prompts in one file, in its order.

    Clicks become one prompt each. With kind `scribble`, all points of a polarity are one prompt of step 1, because
    the files do not part the scribbles of several steps.

    Args:
        path: The file.
        dialect: Of `DIALECTS`; None takes what the file is. A file in another dialect is refused, never read as
            empty.
        kind: `click` or `scribble`.
        origin: Reader or policy that made the prompts.

    Raises:
        FormatError: The file cannot be read, is in another dialect, or holds something else than points.
        SettingsError: No such dialect or kind.
    """
    if (dialect is not None and dialect not in DIALECTS) or kind not in ("click", "scribble"):
        raise SettingsError(
            expected=f"a dialect of {', '.join(DIALECTS)} and kind click or scribble",
            found=f"{dialect}, {kind}",
            where="read_prompts",
            remedy="name one of them",
        )
    file = Path(path)
    values = _read_bounded(file)
    found = find_dialect(values)
    if found is None or dialect not in (None, found):
        raise _wrong(file, f"prompts in the dialect {dialect or ' or '.join(DIALECTS)}", found or "another JSON value")
    points = _simple_points(file, values) if found == "simple" else _gc_points(file, values)
    if found == "longitudinal":
        return [
            Prompt("click", "foreground", [point], lesion=_lesion(file, name), origin=origin) for name, point in points
        ]
    _require_polarities(file, points)
    return _as_clicks(points, origin) if kind == "click" else _as_scribbles(points, origin)


def write_prompts(path: str | Path, prompts: Iterable[Prompt], *, dialect: str) -> None:
    """Write clicks and scribbles; integers stay integers.

    Steps, origin and seconds are not part of the dialects and are lost; boxes are left out.

    Raises:
        OutputError: The file cannot be written.
        SettingsError: No such dialect, or a prompt without lesion in the dialect `longitudinal`.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> click = Prompt("click", "foreground", [[10, 20, 30]], step=1)
        >>> with TemporaryDirectory() as there:
        ...     write_prompts(f"{there}/a.json", [click], dialect="gc")
        ...     read_prompts(f"{there}/a.json") == [click]
        True
    """
    drawn = [prompt for prompt in prompts if prompt.kind != "box"]
    if dialect not in DIALECTS or (dialect == "longitudinal" and any(prompt.lesion is None for prompt in drawn)):
        raise SettingsError(
            expected=f"a dialect of {', '.join(DIALECTS)}, and lesions for longitudinal",
            found=dialect,
            where=str(path),
            remedy="choose another dialect",
        )
    if dialect == "simple":
        write_json(path, {name: _written(drawn, polarity) for name, polarity in _POLARITIES.items()})
        return
    points = [
        {"point": point, "name": prompt.lesion if dialect == "longitudinal" else _NAMES[prompt.polarity]}
        for prompt in drawn
        for point in _numbers(prompt)
    ]
    name = {"name": _LONGITUDINAL_NAME} if dialect == "longitudinal" else {}
    write_json(path, {**name, "version": {"major": 1, "minor": 0}, "type": _GC_TYPE, "points": points})


def _read_bounded(path: Path) -> Any:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise _wrong(path, "a file", error.strerror or str(error)) from error
    if size > _MOST_BYTES:
        raise _wrong(path, f"at most {_MOST_BYTES} bytes of prompts", f"{size} bytes")
    return read_json(path)


def _simple_points(path: Path, values: Mapping[str, Any]) -> list[_Point]:
    for name, points in values.items():
        if not isinstance(points, list):
            raise _wrong(path, f"a list of points under {name!r}", type(points).__name__)
    return [(name, _point(path, point)) for name, points in values.items() for point in points]


def _gc_points(path: Path, values: Mapping[str, Any]) -> list[_Point]:
    version = values.get("version")
    major = version.get("major") if isinstance(version, dict) else None
    if values.get("type") != _GC_TYPE or major != 1:
        raise _wrong(path, f"type {_GC_TYPE!r} in version 1", f"type {values.get('type')!r}, version {version!r}"[:200])
    points = []
    for entry in values["points"]:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise _wrong(path, "points with a name", repr(entry)[:100])
        points.append((entry["name"], _point(path, entry.get("point"))))
    return points


def _point(path: Path, point: Any) -> list[float]:
    numbers = point if isinstance(point, list) and len(point) == 3 else []
    if not numbers or any(isinstance(one, bool) or not isinstance(one, int | float) for one in numbers):
        raise _wrong(path, "points of three numbers i, j, k", repr(point)[:100])
    try:
        found = [float(one) for one in numbers]
    except OverflowError as error:
        raise _wrong(path, "voxel indices", "a number beyond all bounds") from error
    if not all(math.isfinite(one) for one in found):
        raise _wrong(path, "finite voxel indices", repr(point)[:100])
    return found


def _require_polarities(path: Path, points: Sequence[_Point]) -> None:
    unknown = sorted({name for name, _ in points} - set(_POLARITIES))
    if unknown:
        raise _wrong(path, f"points named {' or '.join(_POLARITIES)}", ", ".join(map(repr, unknown[:5])))


def _as_clicks(points: Sequence[_Point], origin: str | None) -> list[Prompt]:
    counts = dict.fromkeys(_POLARITIES, 0)
    clicks = []
    for name, point in points:
        counts[name] += 1
        clicks.append(Prompt("click", _POLARITIES[name], [point], step=counts[name], origin=origin))
    return clicks


def _as_scribbles(points: Sequence[_Point], origin: str | None) -> list[Prompt]:
    drawn = {name: [point for other, point in points if other == name] for name in _POLARITIES}
    return [
        Prompt("scribble", _POLARITIES[name], listed, step=1, origin=origin) for name, listed in drawn.items() if listed
    ]


def _lesion(path: Path, name: str) -> str:
    """The last word: some files name the point "lesion 3"."""
    words = name.split()
    if not words:
        raise _wrong(path, "the id of a lesion as the name of a point", repr(name))
    return words[-1]


def _written(prompts: Iterable[Prompt], polarity: str) -> list[list[int | float]]:
    return [point for prompt in prompts if prompt.polarity == polarity for point in _numbers(prompt)]


def _numbers(prompt: Prompt) -> list[list[int | float]]:
    return [[int(one) if one.is_integer() else one for one in point] for point in prompt.points.tolist()]


def _wrong(path: Path, expected: str, found: str) -> FormatError:
    return FormatError(
        expected=expected, found=found, where=str(path), remedy="name the dialect of the file, or fetch it again"
    )
