"""Predicted boxes of a model: a table of rows, or COCO results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from oncohort.errors import FormatError
from oncohort.storage import read_json

BOX_FILES = ("boxes.parquet", "boxes.csv", "results.json")
"""What a folder of predicted boxes holds, one of them."""

IMAGE_FILE = "images.json"
"""Which image of `results.json` is which slice."""

EDGES = ("i0", "i1", "j0", "j1", "k0", "k1")
NUMBERS = (*EDGES, "score")
_TEXTS = ("case", "volume", "class", "slice_uid")
PREDICTED_SCHEMA: dict[str, Any] = {
    **dict.fromkeys(_TEXTS, pl.String),
    **dict.fromkeys(NUMBERS, pl.Float64),
    "problem": pl.String,
}
"""Columns of `read_predicted_boxes`."""

_NEEDED = ("case", "i0", "i1", "j0", "j1", "score")
_MOST_BYTES = 1 << 30
_MOST_ROWS = 5_000_000
_HUGE = 1e300
_FAR = 1e6  # voxels


def find_box_files(folder: str | Path) -> tuple[Path, ...]:
    """The files of predicted boxes in a folder; more than one is one too many."""
    return tuple(path for name in BOX_FILES if (path := Path(folder) / name).is_file())


def read_predicted_boxes(path: str | Path) -> pl.DataFrame:
    r"""Predicted boxes, row by row.

    A row with a case and no box says that the case was looked at. What is
    wrong with a row (no number, a stop that is not above its start, no score)
    stands in its `problem`; such a row is not left out.

    Args:
        path: `boxes.parquet`, `boxes.csv`, or `results.json` in COCO's form with `images.json` beside it.

    Returns:
        Columns of `PREDICTED_SCHEMA`. `k1` is `k0` + 1 where only `k0` is given.

    Raises:
        FormatError: The file cannot be read, lacks a column, or is too large.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "boxes.csv"
        ...     _ = path.write_text("case,i0,i1,j0,j1,k0,score\nA,1,4,2,3,7,0.5\nB,,,,,,\nC,4,1,0,1,0,0.5\n")
        ...     read_predicted_boxes(path).select("case", "k1", "problem").rows()
        [('A', 8.0, None), ('B', None, None), ('C', 1.0, 'i0 4 to i1 1 holds no pixel')]
    """
    file = Path(path)
    _check_size(file)
    return _judged(_read_coco(file) if file.name.endswith(".json") else _read_rows(file))


def _check_size(file: Path) -> None:
    try:
        size = file.stat().st_size
    except OSError as error:
        raise _wrong(file, "a file of boxes", error.strerror or str(error), "name a folder with one") from error
    if size > _MOST_BYTES:
        raise _wrong(file, f"at most {_MOST_BYTES} bytes", f"{size}", "keep the surest boxes of each image")


def _read_rows(file: Path) -> pl.DataFrame:
    try:
        if file.name.endswith(".csv"):
            table = pl.read_csv(file, infer_schema=False, n_rows=_MOST_ROWS + 1, glob=False)
        else:
            table = pl.read_parquet(file, n_rows=_MOST_ROWS + 1, glob=False)
    except (OSError, pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _wrong(file, "a table of boxes", reason, "write it as CSV in UTF-8 with a header, or Parquet") from error
    if table.height > _MOST_ROWS:
        raise _wrong(file, f"at most {_MOST_ROWS} rows", "more", "keep the surest boxes of each image")
    lacking = [name for name in _NEEDED if name not in table.columns]
    if "k0" not in table.columns and "slice_uid" not in table.columns:
        lacking.append("k0 (or slice_uid)")
    if lacking:
        found = f"no {', '.join(lacking)}"
        raise _wrong(file, f"columns {', '.join(_NEEDED)}, k0 or slice_uid", found, "name the columns like this")
    return _typed(table, file)


def _typed(table: pl.DataFrame, file: Path) -> pl.DataFrame:
    """All columns as text and numbers; a text that is no number is told by `problem`."""
    nested = [name for name in PREDICTED_SCHEMA if name in table.columns and table[name].dtype.is_nested()]
    if nested:
        raise _wrong(file, "one value per cell", f"lists in {', '.join(nested)}", "write one row per box")
    nothing = pl.Series([None] * table.height, dtype=pl.String)
    texts = {
        name: table[name].cast(pl.String).str.strip_chars() if name in table.columns else nothing
        for name in (*_TEXTS, *NUMBERS)
    }
    full = pl.DataFrame(texts)
    full = full.with_columns(pl.when(pl.col(pl.String) == "").then(None).otherwise(pl.col(pl.String)).name.keep())
    bad = [
        pl.when(pl.col(name).is_not_null() & pl.col(name).cast(pl.Float64, strict=False).is_null()).then(
            pl.format("{} {} is no number", pl.lit(name), pl.col(name).str.slice(0, 20))
        )
        for name in NUMBERS
    ]
    return full.with_columns(pl.coalesce(*bad).alias("problem")).with_columns(
        pl.col(NUMBERS).cast(pl.Float64, strict=False)
    )


def _judged(table: pl.DataFrame) -> pl.DataFrame:
    """With `k1` filled in, and the first problem of every row."""
    if table["case"].null_count():
        table = table.with_columns(pl.col("case").fill_null(""))
    filled = table.with_columns(pl.coalesce("k1", pl.col("k0") + 1).alias("k1"))
    has_box = pl.any_horizontal(pl.col(name).is_not_null() for name in NUMBERS)
    needed = ("i0", "i1", "j0", "j1", "score")
    tests = [
        pl.when(has_box & pl.any_horizontal(pl.col(name).is_null() for name in needed)).then(
            pl.lit(f"one of {', '.join(needed)} is empty")
        ),
        pl.when(has_box & pl.col("k0").is_null() & pl.col("slice_uid").is_null()).then(pl.lit("no k0, no slice_uid")),
        pl.when(pl.any_horizontal(~pl.col(name).is_finite() for name in NUMBERS)).then(
            pl.lit("a number is not finite")
        ),
        *(
            pl.when(pl.col(name).abs() > _FAR).then(pl.lit(f"{name} is further than {_FAR:g} voxels away"))
            for name in EDGES
        ),
        *(_extent(first, last) for first, last in (("i0", "i1"), ("j0", "j1"), ("k0", "k1"))),
    ]
    return filled.with_columns(pl.coalesce("problem", *tests).alias("problem")).select(
        pl.col(name).cast(kind) for name, kind in PREDICTED_SCHEMA.items()
    )


def _extent(first: str, last: str) -> pl.Expr:
    words = f"{first} {{}} to {last} {{}} holds no pixel"
    numbers = [pl.col(name).round(3).cast(pl.String).str.replace(r"\.0$", "") for name in (first, last)]
    return pl.when(pl.col(last) <= pl.col(first)).then(pl.format(words, *numbers))


def _read_coco(file: Path) -> pl.DataFrame:
    results, known = read_json(file), read_json(file.with_name(IMAGE_FILE)) if _has_images(file) else None
    images = _by_id(known, "images", file)
    categories = _by_id(known, "categories", file)
    if not isinstance(results, list):
        raise _wrong(file, "a list of results", type(results).__name__, "write COCO's results format")
    rows = [_coco_row(result, images, categories, file) for result in results]
    seen = [{"case": image.get("case"), "volume": image.get("volume")} for image in images.values()]
    return pl.DataFrame([*rows, *seen], schema=PREDICTED_SCHEMA, strict=False)


def _has_images(file: Path) -> bool:
    beside = file.with_name(IMAGE_FILE)
    if beside.is_file():
        _check_size(beside)
        return True
    raise _wrong(beside, f"{IMAGE_FILE} beside {file.name}", "none", "say which image is which slice of which case")


def _by_id(known: Any, part: str, file: Path) -> dict[Any, dict[str, Any]]:
    rows = known.get(part) if isinstance(known, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and isinstance(row.get("id"), int) for row in rows):
        raise _wrong(
            file.with_name(IMAGE_FILE), f"{part}: a list of entries with an id", "none", "write COCO's dataset form"
        )
    lacking = [row["id"] for row in rows if not isinstance(row.get("case" if part == "images" else "name"), str)]
    if lacking:
        key = "case" if part == "images" else "name"
        raise _wrong(file.with_name(IMAGE_FILE), f"{key} of every entry of {part}", f"none of {lacking[0]}", "add it")
    return {row["id"]: row for row in rows}


def _coco_row(result: Any, images: dict[Any, Any], categories: dict[Any, Any], file: Path) -> dict[str, Any]:
    facts = result if isinstance(result, dict) else {}
    box = facts.get("bbox")
    numbers = [*box, facts.get("score")] if isinstance(box, list) and len(box) == 4 else []
    if len(numbers) != 5 or not all(map(_is_number, numbers)):
        raise _wrong(file, "bbox of four numbers and a score in every result", "one without", "write COCO's results")
    image, category = (facts.get(key) for key in ("image_id", "category_id"))
    if not isinstance(image, int) or image not in images:
        raise _wrong(file, f"image_id in {IMAGE_FILE}", repr(image)[:40], "list every image")
    x, y, width, height, score = map(float, numbers)
    slot = images[image]
    name = categories.get(category, {}).get("name") if isinstance(category, int) else None
    return {
        "case": slot["case"],
        "volume": slot.get("volume") if isinstance(slot.get("volume"), str) else None,
        "class": name or f"category {category}"[:60],
        "slice_uid": slot.get("slice_uid") if isinstance(slot.get("slice_uid"), str) else None,
        "i0": x,
        "i1": x + width,
        "j0": y,
        "j1": y + height,
        "k0": float(slot["k"]) if isinstance(slot.get("k"), int) else None,
        "score": score,
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_HUGE < value < _HUGE


def _wrong(file: Path, expected: str, found: str, remedy: str) -> FormatError:
    return FormatError(expected=expected, found=found, where=str(file), remedy=remedy)
