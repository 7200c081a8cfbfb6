import json

import polars as pl
import pytest

from oncohort.errors import FormatError
from oncohort.formats.box_files import PREDICTED_SCHEMA, find_box_files, read_predicted_boxes

HEAD = "case,volume,class,i0,i1,j0,j1,k0,k1,score\n"
IMAGES = {
    "images": [{"id": 7, "case": "A", "volume": "ct", "k": 3}, {"id": 8, "case": "B", "slice_uid": "1.2.3"}],
    "categories": [{"id": 1, "name": "G"}],
}


def csv(folder, text):
    path = folder / "boxes.csv"
    path.write_text(text, encoding="utf-8")
    return path


def coco(folder, results, images=IMAGES):
    (folder / "results.json").write_text(json.dumps(results))
    if images is not None:
        (folder / "images.json").write_text(json.dumps(images))
    return folder / "results.json"


def test_a_table_is_the_same_as_csv_and_as_parquet(tmp_path):
    table = read_predicted_boxes(csv(tmp_path, HEAD + "A,ct,G,1.5,4,2,3,7,9,0.25\nB,,,,,,,,,\n"))
    assert dict(table.schema) == PREDICTED_SCHEMA
    assert table.row(0, named=True) == {
        "case": "A", "volume": "ct", "class": "G", "slice_uid": None, "i0": 1.5, "i1": 4.0, "j0": 2.0, "j1": 3.0,
        "k0": 7.0, "k1": 9.0, "score": 0.25, "problem": None,
    }  # fmt: skip
    assert table.row(1, named=True)["case"] == "B"
    pl.read_csv(tmp_path / "boxes.csv").write_parquet(tmp_path / "boxes.parquet")
    assert read_predicted_boxes(tmp_path / "boxes.parquet").equals(table)
    assert [path.name for path in find_box_files(tmp_path)] == ["boxes.parquet", "boxes.csv"]


def test_one_slice_needs_no_k1_and_a_named_slice_no_k0(tmp_path):
    table = read_predicted_boxes(
        csv(tmp_path, "case,i0,i1,j0,j1,k0,slice_uid,score\nA,0,1,0,1,5,,1\nA,0,1,0,1,,1.2,1\n")
    )
    assert table.select("k0", "k1", "slice_uid", "problem").rows() == [
        (5.0, 6.0, None, None),
        (None, None, "1.2", None),
    ]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("A,ct,G,x,4,2,3,7,9,0.5", "i0 x is no number"),
        ("A,ct,G,4,4,2,3,7,9,0.5", "i0 4 to i1 4 holds no pixel"),
        ("A,ct,G,1,4,2,3,9,7,0.5", "k0 9 to k1 7 holds no pixel"),
        ("A,ct,G,1,4,2,3,7,9,", "one of i0, i1, j0, j1, score is empty"),
        ("A,ct,G,1,4,2,3,7,9,nan", "a number is not finite"),
        ("A,ct,G,1,4,2,inf,7,9,0.5", "a number is not finite"),
        ("A,ct,G,1,4,2,3,,,0.5", "no k0, no slice_uid"),
        ("A,ct,G,1,4,-1e300,3,7,9,0.5", "j0 is further than 1e+06 voxels away"),
    ],
)
def test_a_wrong_row_is_kept_with_its_problem(tmp_path, row, told):
    table = read_predicted_boxes(csv(tmp_path, f"{HEAD}{row}\nB,ct,G,1,4,2,3,7,9,0.5\n"))
    assert table["problem"].to_list() == [told, None]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("case,i0,i1,j0,j1,k0\nA,1,2,3,4,5\n", "no score"),
        ("case,i0,i1,j0,j1,score\nA,1,2,3,4,5\n", "k0 (or slice_uid)"),
        (f"{HEAD}A,ct,G,1,4,2,3,7,9,0.5,7,7,7\n", "fields"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path, text, told):
    with pytest.raises(FormatError) as caught:
        read_predicted_boxes(csv(tmp_path, text))
    assert told in str(caught.value)


def test_a_table_of_lists_and_one_that_is_no_table_are_refused(tmp_path):
    path = tmp_path / "boxes.parquet"
    pl.DataFrame({"case": [["A"]], "i0": [1], "i1": [1], "j0": [1], "j1": [1], "k0": [1], "score": [1]}).write_parquet(
        path
    )
    with pytest.raises(FormatError, match="lists in case"):
        read_predicted_boxes(path)
    path.write_bytes(b"PAR1 is not enough")
    with pytest.raises(FormatError):
        read_predicted_boxes(path)


def test_coco_results_are_half_open_boxes_on_the_slices_of_their_images(tmp_path):
    results = [
        {"image_id": 7, "category_id": 1, "bbox": [298, 298, 38, 77], "score": 0.95},
        {"image_id": 8, "category_id": 9, "bbox": [0.5, 1, 2, 3], "score": 0.5},
    ]
    table = read_predicted_boxes(coco(tmp_path, results))
    first, second, *seen = table.to_dicts()
    assert (first["case"], first["volume"], first["class"], first["k0"], first["k1"]) == ("A", "ct", "G", 3.0, 4.0)
    assert (first["i0"], first["i1"], first["j0"], first["j1"]) == (298.0, 336.0, 298.0, 375.0)
    assert (second["slice_uid"], second["class"], second["k0"]) == ("1.2.3", "category 9", None)
    assert [(row["case"], row["score"], row["problem"]) for row in seen] == [("A", None, None), ("B", None, None)]


@pytest.mark.parametrize(
    ("results", "images", "told"),
    [
        ([], None, "images.json"),
        ({"a": 1}, IMAGES, "a list of results"),
        ([1], IMAGES, "bbox of four numbers"),
        ([{"image_id": 7, "category_id": 1, "bbox": [1, 2, 3], "score": 1}], IMAGES, "bbox of four numbers"),
        ([{"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, "4"], "score": 1}], IMAGES, "bbox of four numbers"),
        ([{"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 10**400], "score": 1}], IMAGES, "bbox of four numbers"),
        ([{"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4], "score": True}], IMAGES, "bbox of four numbers"),
        ([{"image_id": 5, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}], IMAGES, "image_id in images.json"),
        ([{"image_id": [], "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}], IMAGES, "image_id in images.json"),
        ([], [], "images: a list of entries"),
        ([], {"images": [{"id": 1}], "categories": []}, "case of every entry"),
        ([], {"images": [], "categories": [{"id": 1}]}, "name of every entry"),
    ],
)
def test_wrong_coco_files_are_refused(tmp_path, results, images, told):
    with pytest.raises(FormatError) as caught:
        read_predicted_boxes(coco(tmp_path, results, images))
    assert told in str(caught.value)
