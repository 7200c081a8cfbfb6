from oncohort.reporting import model_colours, worst_cases


def rows(**values: tuple[float | None, ...]) -> list[dict[str, object]]:
    return [{"case": case, "metric": "dice", "value": value} for case, found in values.items() for value in found]


def test_the_lowest_mean_comes_first_and_the_undefined_last() -> None:
    scores = rows(a=(0.9, 0.1), b=(0.2, None), c=(None, None), d=(0.0, 0.1))
    assert worst_cases(scores) == ["d", "b", "a", "c"]
    assert worst_cases(scores, limit=1) == ["d"]


def test_the_mean_counts_and_not_the_sum() -> None:
    assert worst_cases(rows(a=(0.4, 0.4), b=(0.5,))) == ["a", "b"]


def test_other_metrics_do_not_count() -> None:
    other = {"case": "a", "metric": "fpv_ml", "value": -99.0}
    assert worst_cases([other, *rows(a=(0.9,), b=(0.5,))]) == ["b", "a"]


def test_thirty_by_default() -> None:
    assert len(worst_cases(rows(**{f"c{number}": (0.5,) for number in range(40)}))) == 30


def test_model_colours_end_in_grey() -> None:
    colours = model_colours([f"m{number}" for number in range(6)])
    assert len(colours) == 6
    assert len(set(colours.values())) == 5
    assert colours["m4"] == colours["m5"]
