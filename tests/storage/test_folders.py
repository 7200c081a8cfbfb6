import shutil
from pathlib import Path

import pytest

from oncohort.errors import OutputError
from oncohort.storage import claim_folder, read_json, read_work, release_folder, remove_unlisted, write_json
from oncohort.storage.folders import WORK_FILE

WORK = {"verb": "ingest", "roi": ("a", "b")}


def test_a_new_folder_is_claimed_and_then_continued(tmp_path):
    out = claim_folder(tmp_path / "deep" / "out", WORK, overwrite=False)
    (out / "result").write_text("kept")
    assert claim_folder(out, WORK, overwrite=False) == out
    assert claim_folder(out, WORK, overwrite=True) == out
    assert (out / "result").read_text() == "kept"


def test_what_a_killed_run_left_unfinished_is_swept_away(tmp_path, monkeypatch):
    out = claim_folder(tmp_path, WORK, overwrite=False)
    (out / "deep").mkdir()
    for name in ("result.nii.gz", "deep/.partial-abc.nii.gz", ".partial-x.json", "deep/partial-y"):
        (out / name).write_text("x")
    claim_folder(tmp_path, WORK, overwrite=False)
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert files == [".oncohort/work.json", "deep/partial-y", "result.nii.gz"]
    (out / ".partial-z").write_text("x")

    def denied(*_, **__):
        raise PermissionError("Permission denied")

    monkeypatch.setattr(Path, "unlink", denied)
    with pytest.raises(OutputError, match="make the folder writable"):
        claim_folder(tmp_path, WORK, overwrite=False)


def test_an_empty_folder_is_claimed(tmp_path):
    assert claim_folder(tmp_path, WORK, overwrite=False) == tmp_path
    assert read_json(tmp_path / WORK_FILE) == {"verb": "ingest", "roi": ["a", "b"]}


def test_a_run_killed_before_its_first_file_is_continued(tmp_path):
    (tmp_path / ".oncohort").mkdir()
    (tmp_path / ".oncohort" / ".partial-x.json").write_text("{")
    assert claim_folder(tmp_path, WORK, overwrite=False) == tmp_path


def test_other_work_is_refused_and_overwritten_only_on_demand(tmp_path):
    claim_folder(tmp_path, {"verb": "segment"}, overwrite=False)
    for name in ("a.txt", "sub/b.txt", ".oncohort/results/c.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text("old")
    with pytest.raises(OutputError, match=r"other work \(verb: segment there, ingest asked\).*--overwrite"):
        claim_folder(tmp_path, WORK, overwrite=False)
    assert (tmp_path / "sub" / "b.txt").exists()
    claim_folder(tmp_path, WORK, overwrite=True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / WORK_FILE]
    assert read_json(tmp_path / WORK_FILE)["verb"] == "ingest"


def test_the_refusal_says_what_differs(tmp_path):
    settings = {"epochs": 2, "patch_size": [64, 64], "classes": {"a": 1}, "device": None}
    there = {"verb": "train", "cohort": "/data/" + "deep/" * 30 + "one", "settings": settings, "hash": "0" * 64}
    claim_folder(tmp_path, there, overwrite=False)
    for changed, told in (
        ({"settings": {**settings, "epochs": 3}}, "settings.epochs: 2 there, 3 asked"),
        ({"settings": {**settings, "device": "cpu"}}, "settings.device: none there, cpu asked"),
        ({"settings": {**settings, "patience": None}}, "a mark of another version, with the same values"),
        ({"settings": {**settings, "patch_size": [8]}}, "settings.patch_size: [64, 64] there, [8] asked"),
        (
            {"settings": {**settings, "classes": {"b": 1}}},
            "settings.classes.b: none there, 1 asked; settings.classes.a",
        ),
        ({"cohort": there["cohort"] + "-b"}, "deep/one there, ..."),
        ({"hash": "0" * 40 + "1" * 24}, "..." + "0" * 36),
        ({"verb": "segment"}, "(verb: train there, segment asked)"),
    ):
        with pytest.raises(OutputError) as caught:
            claim_folder(tmp_path, {**there, **changed}, overwrite=False)
        assert told in caught.value.found
        assert len(caught.value.found) < 250
        assert "--out" not in caught.value.remedy
    many = {str(number): number for number in range(9)}
    with pytest.raises(OutputError, match=r"3: none there, 3 asked and 5 more\)"):
        claim_folder(tmp_path, {**there, **many}, overwrite=False)


def test_emptying_follows_no_links(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").write_text("x")
    out = claim_folder(tmp_path / "out", {"verb": "segment"}, overwrite=False)
    (out / "link").symlink_to(tmp_path / "elsewhere")
    claim_folder(out, WORK, overwrite=True)
    assert (tmp_path / "elsewhere" / "precious").exists()
    assert not (out / "link").is_symlink()


def test_what_is_read_may_lie_in_a_folder_that_is_not_emptied(tmp_path):
    claim_folder(tmp_path, WORK, overwrite=False)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("x")
    for overwrite in (False, True):
        claim_folder(tmp_path, WORK, overwrite=overwrite, inputs=[recipe])
        with pytest.raises(OutputError, match="apart from what is read"):
            claim_folder(tmp_path, WORK, overwrite=overwrite, inputs=[recipe.parent])
    with pytest.raises(OutputError, match="apart from what is read"):
        claim_folder(tmp_path, {"verb": "segment"}, overwrite=True, inputs=[recipe])
    assert recipe.read_text() == "x"
    claim_folder(tmp_path, WORK, overwrite=False)


def test_killed_while_emptying_the_folder_is_still_ours_and_nobodys_work(tmp_path, monkeypatch):
    claim_folder(tmp_path, {"verb": "segment"}, overwrite=False)
    (tmp_path / "sub").mkdir()

    def killed(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            claim_folder(tmp_path, WORK, overwrite=True)
    for work in (WORK, {"verb": "segment"}):
        with pytest.raises(OutputError, match="other work"):
            claim_folder(tmp_path, work, overwrite=False)
    claim_folder(tmp_path, WORK, overwrite=True)
    assert not (tmp_path / "sub").exists()


@pytest.mark.parametrize("overwrite", [True, False])
def test_files_of_others_are_never_touched(tmp_path, overwrite):
    (tmp_path / "thesis.tex").write_text("years")
    with pytest.raises(OutputError, match="did not write"):
        claim_folder(tmp_path, WORK, overwrite=overwrite)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("mark", ["not json", "[1]"])
def test_a_damaged_mark_is_other_work(tmp_path, mark):
    write_json(tmp_path / WORK_FILE, {})
    (tmp_path / WORK_FILE).write_text(mark)
    with pytest.raises(OutputError, match="unreadable mark"):
        claim_folder(tmp_path, WORK, overwrite=False)
    assert claim_folder(tmp_path, WORK, overwrite=True) == tmp_path


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(OutputError, match="found a file"):
        claim_folder(tmp_path / "out", WORK, overwrite=True)
    with pytest.raises(OutputError):
        claim_folder(tmp_path / "out" / "in", WORK, overwrite=True)


def test_a_folder_that_cannot_be_listed_or_emptied_is_refused(tmp_path, monkeypatch):
    claim_folder(tmp_path / "ours", {"verb": "segment"}, overwrite=False)
    (tmp_path / "new").mkdir()

    def denied(_):
        raise PermissionError("Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)
    for name in ("ours", "new"):
        with pytest.raises(OutputError, match="Permission denied"):
            claim_folder(tmp_path / name, WORK, overwrite=True)


def test_remove_unlisted_keeps_what_is_listed(tmp_path):
    for name in ("a/x", "a/y", "b/z", "c/d/e"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    remove_unlisted(tmp_path, [tmp_path / "a" / "x"])
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == ["a", "a/x"]
    remove_unlisted(tmp_path / "absent", [])


def test_a_released_folder_is_gone_and_a_foreign_one_stays(tmp_path):
    ours = claim_folder(tmp_path / "ours", {"verb": "ingest", "path": "a"}, overwrite=False)
    assert read_work(ours) == {"verb": "ingest", "path": "a"}
    release_folder(ours)
    assert not ours.exists()
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    assert read_work(foreign) == {}
    release_folder(foreign)
    assert foreign.is_dir()
