from oncohort.compute import ResultStore


def test_results_come_back_as_they_went_in(tmp_path):
    store = ResultStore(tmp_path / "results")
    store.put("abcd", {"rows": [1, None, "x"]})
    assert store.get("abcd") == {"rows": [1, None, "x"]}
    assert store.get("abce") is None
    assert (tmp_path / "results" / "ab" / "abcd.json").is_file()
    assert repr(store) == f"ResultStore({str(tmp_path / 'results')!r})"


def test_a_damaged_result_counts_as_absent(tmp_path):
    store = ResultStore(tmp_path)
    store.put("abcd", 1)
    (tmp_path / "ab" / "abcd.json").write_text('{"half')
    assert store.get("abcd") is None


def test_prune_forgets_all_but_the_named(tmp_path):
    store = ResultStore(tmp_path)
    for key in ("aa1", "aa2", "bb1"):
        store.put(key, 1)
    store.prune({"aa1"})
    assert [store.get(key) for key in ("aa1", "aa2", "bb1")] == [1, None, None]
