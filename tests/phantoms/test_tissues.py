import numpy as np
import pytest

from oncohort.phantoms.tissues import PROPERTIES, Tissue, hounsfield_table, uptake_table


def test_every_tissue_has_its_attenuation():
    table = hounsfield_table()
    assert len(table) == len(Tissue) == len(PROPERTIES)
    assert [table[t] for t in (Tissue.AIR, Tissue.FAT, Tissue.MUSCLE)] == [-1000, -100, 50]


def test_uptake_is_plausible_in_every_patient():
    tables = np.array([uptake_table(np.random.default_rng(seed)) for seed in range(50)])
    assert (tables[:, Tissue.AIR] == 0).all()
    assert ((tables[:, Tissue.LIVER] > 1.3) & (tables[:, Tissue.LIVER] < 3.0)).all()
    assert np.median(tables[:, Tissue.LIVER]) == pytest.approx(2.2, rel=0.1)
    assert ((tables[:, Tissue.BRAIN] > 6) & (tables[:, Tissue.BLADDER] > 6)).all()
    assert np.allclose(tables[:, Tissue.AORTA], tables[:, Tissue.BLOOD])
    assert np.allclose(tables[:, Tissue.WHITE_MATTER], 0.55 * tables[:, Tissue.BRAIN])
    assert tables[:, Tissue.HEART].std() > 3 * tables[:, Tissue.LIVER].std()
