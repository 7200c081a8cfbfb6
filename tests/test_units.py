from oncohort.units import Unit


def test_units_are_written_as_the_tables_write_them():
    assert [str(unit) for unit in Unit] == ["HU", "SUVbw", "Bq/ml", "probability", "label", "1"]
