"""A training sees every image of a role in one unit, and its record says which."""

from dataclasses import replace

import polars as pl
import pytest
from tests.segmenters.nnunet_models import write_pet_cohort

from oncohort.errors import SettingsError
from oncohort.training.locking import channel_units


def with_unit(cohort, case, role, unit):
    """The cohort with another unit in one row."""
    there = (pl.col("case") == case) & (pl.col("role") == role)
    changed = pl.when(there).then(pl.lit(unit)).otherwise(pl.col("unit")).alias("unit")
    return replace(cohort, tables=replace(cohort.tables, volumes=cohort.tables.volumes.with_columns(changed)))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_pet_cohort(tmp_path_factory.mktemp("cohort"))


def test_units_are_those_of_the_table_in_the_order_of_the_roles(cohort):
    assert list(channel_units(cohort, ["pet", "ct"], cohort.case_ids).items()) == [("pet", "SUVbw"), ("ct", "HU")]
    assert channel_units(cohort, ["pet"], ["B"]) == {"pet": "SUVbw"}


def test_two_cases_in_different_units_are_named(cohort):
    mixed = with_unit(cohort, "C", "pet", "Bq/ml")
    with pytest.raises(SettingsError, match=r"pet in one unit.*SUVbw in case A, Bq/ml in case C"):
        channel_units(mixed, ["ct", "pet"], mixed.case_ids)
    assert channel_units(mixed, ["ct", "pet"], ["A", "B"]) == {"ct": "HU", "pet": "SUVbw"}
    assert channel_units(mixed, ["pet"], ["C"]) == {"pet": "Bq/ml"}
    assert channel_units(mixed, ["ct"], mixed.case_ids) == {"ct": "HU"}


def test_a_role_that_no_case_has_is_named(cohort):
    with pytest.raises(SettingsError, match="no mr in any case"):
        channel_units(cohort, ["pet", "mr"], cohort.case_ids)
