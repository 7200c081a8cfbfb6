from oncohort.profiles import Difference, compare_profiles, load_profile, parse_profile

AUTOPET = load_profile("autopet-iii")


def changed(old, new):
    assert old in AUTOPET.text
    return parse_profile(AUTOPET.text.replace(old, new, 1), where="test")


def test_a_profile_does_not_differ_from_itself_and_comments_do_not_count():
    assert compare_profiles(AUTOPET, changed("# Four subsets", "# Five subsets")) == ()


def test_every_key_is_named_by_its_path():
    assert compare_profiles(AUTOPET, changed("connectivity = 18", "connectivity = 26")) == (
        Difference("components.connectivity", 18, 26),
    )
    assert compare_profiles(AUTOPET, changed("both_empty = 0.0", "both_empty = 1.0")) == (
        Difference("metric.fpv_ml.both_empty", 0.0, 1.0),
    )


def test_a_metric_of_one_profile_only_is_one_difference():
    found = compare_profiles(
        AUTOPET, changed('name = "volume_difference_ml"', 'name = "volume_difference_ml"\nlabel = "j"')
    )
    assert [(one.key, one.first is None, one.second is None) for one in found] == [
        ("metric.volume_difference_ml", False, True),
        ("metric.j", True, False),
    ]


def test_another_order_of_metrics_is_a_difference():
    head, *rules = AUTOPET.text.split("[[metric]]")
    turned = parse_profile("[[metric]]".join([head, *reversed([f"{rule}\n" for rule in rules])]), where="test")
    (found,) = compare_profiles(AUTOPET, turned)
    assert (found.key, found.first) == ("metric", list(reversed(found.second)))


def test_a_table_of_one_profile_only_is_one_difference():
    found = {one.key: one for one in compare_profiles(AUTOPET, load_profile("organs"))}
    assert found["components"].second is None
    assert found["target.structures"].second == "each"
