"""Published numbers, to the last digit printed.

Counts: the cohort table on the project page of PanTS (training against external test cohort) and the metadata
of its own training and test cases; expected values by scipy 1.17.1. Some numbers need files that may not be passed
on: they are checked where an environment variable names the file. Which p belongs to the counts of the sheet is
checked without it.
"""

import csv
import itertools
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from oncohort.statistics import (
    ap_draws,
    auc_draws,
    chi_square,
    clopper_pearson_interval,
    compare_paired,
    delong,
    draw_patients,
    fisher_exact,
    holm,
    kendall_tau,
    kruskal_wallis,
    mann_whitney,
    percentile_interval,
    wilson_interval,
)
from oncohort.statistics.delong import _ends

SEX = [[2358, 2923], [13090, 11714]]
PHASE = [[4488, 2895, 2450, 68], [3920, 20296, 2273, 0]]
DUCT = [[3387, 6514], [11180, 15309]]
TUMOUR = [[1077, 8824], [2829, 23660]]


def coded(table):
    """Each row of counts as values 0, 1, ... of its cases."""
    return [np.repeat(np.arange(len(row)), row) for row in table]


@pytest.mark.parametrize(
    ("table", "kind", "printed"),
    [
        (SEX, "pearson", "7.8586e-27"),
        (SEX, "yates", "9.2578e-27"),
        (SEX, "g", "7.5905e-27"),
        (DUCT, "pearson", "1.1499e-43"),
        (DUCT, "yates", "1.3594e-43"),
        (DUCT, "g", "3.5035e-44"),
        (TUMOUR, "pearson", "5.87513e-01"),
        (TUMOUR, "yates", "6.00685e-01"),
        (TUMOUR, "g", "5.87970e-01"),
        ([[2136, 2655], [222, 269]], "pearson", "7.89044e-01"),
        ([[2136, 2655], [222, 269]], "yates", "8.25955e-01"),
        ([[4353, 2302, 2288, 56], [134, 593, 162, 12]], "pearson", "3.48753e-147"),
        ([[926, 8074], [151, 750]], "pearson", "2.72944e-09"),
        ([[926, 8074], [151, 750]], "yates", "3.83909e-09"),
    ],
)
def test_pants_chi_square(table, kind, printed):
    digits = len(printed.split("e")[0]) - 2
    assert f"{chi_square(table, kind=kind).p:.{digits}e}" == printed


@pytest.mark.parametrize(
    ("table", "statistic", "df"),
    [
        (SEX, "115.0028", 1),
        (DUCT, "192.0234", 1),
        (TUMOUR, "0.294245", 1),
        (PHASE, "7079.0588", 3),
        ([row[:3] for row in PHASE], "6918.5573", 2),
        ([[4353, 2302, 2288, 56], [134, 593, 162, 12]], "680.53586", 3),
        ([[926, 8074], [151, 750]], "35.36793", 1),
    ],
)
def test_pants_chi_square_statistics(table, statistic, df):
    found = chi_square(table)
    assert f"{found.statistic:.{len(statistic.split('.')[1])}f}" == statistic
    assert found.df == df


@pytest.mark.parametrize(
    ("table", "printed"),
    [
        (PHASE, "-1535.3711"),
        ([row[:3] for row in PHASE], "-1502.3456"),
        ([[4487, *PHASE[0][1:]], PHASE[1]], "-1535.0993"),
    ],
)
def test_pants_phase_does_not_underflow(table, printed):
    found = chi_square(table)
    assert found.p == 0.0
    assert f"{found.log10_p:.4f}" == printed


def test_pants_fisher():
    assert f"{fisher_exact(SEX).p:.4e}" == "8.5184e-27"
    assert f"{fisher_exact([[926, 8074], [151, 750]]).p:.5e}" == "2.23312e-08"


@pytest.mark.parametrize(
    ("table", "continuity", "printed"),
    [
        (SEX, True, "7.8739e-27"),
        (SEX, False, "7.8738e-27"),
        ([[2358, 2924], SEX[1]], True, "6.9159e-27"),
        (DUCT, True, "1.1530e-43"),
        (TUMOUR, True, "5.875e-01"),
        ([[2136, 2655], [222, 269]], True, "7.89077e-01"),
        ([[2136, 2655], [222, 269]], False, "7.89063e-01"),
    ],
)
def test_pants_mann_whitney(table, continuity, printed):
    digits = len(printed.split("e")[0]) - 2
    found = mann_whitney(*coded(table), continuity=continuity)
    assert f"{found.p:.{digits}e}" == printed
    assert found.log10_p == pytest.approx(np.log10(found.p))


def test_pants_kruskal_wallis_is_chi_square_less_one_case():
    found, total = kruskal_wallis(coded(SEX)), np.sum(SEX)
    assert f"{found.p:.4e}" == "7.8738e-27"
    assert found.statistic == pytest.approx(chi_square(SEX).statistic * (total - 1) / total, rel=1e-12)


@pytest.mark.parametrize(
    ("function", "successes", "total", "printed"),
    [
        (wilson_interval, 621, 660, "0.92024 0.95648"),
        (clopper_pearson_interval, 621, 660, "0.92010 0.95765"),
        (wilson_interval, 306, 330, "0.89407 0.95064"),
        (clopper_pearson_interval, 306, 330, "0.89372 0.95285"),
        (wilson_interval, 122, 151, "0.7378 0.8628"),
        (wilson_interval, 675, 750, "0.8764 0.9195"),
        (wilson_interval, 121, 161, "0.6795 0.8119"),
        (wilson_interval, 121, 161, "0.6795 0.8119"),
    ],
)
def test_proportions(function, successes, total, printed):
    digits = len(printed.split()[0]) - 2
    low, high, *_ = function(successes, total, confidence=0.95)
    assert f"{low:.{digits}f} {high:.{digits}f}" == printed


@pytest.mark.parametrize(("total", "half_width"), [(50, "0.085"), (100, "0.060"), (750, "0.022")])
def test_half_widths_of_nine_tenths(total, half_width):
    low, high, *_ = wilson_interval(total * 9 // 10, total, confidence=0.95)
    assert f"{(high - low) / 2:.3f}" == half_width


def test_no_event_leaves_about_three_over_n():
    for total in (100, 1000):
        assert clopper_pearson_interval(0, total, confidence=0.90).high == pytest.approx(3 / total, rel=0.02)


def test_342_one_sided_tests_need_thirteen_patients():
    smallest = [compare_paired(np.arange(1, n + 1), np.zeros(n), alternative="greater").p for n in (12, 13)]
    assert smallest == [2.0**-12, 2.0**-13]
    assert [p * 342 < 0.05 for p in smallest] == [False, True]


def test_suprem_intervals_from_area_and_error():
    ends = _ends(0.9649931129, 0.0062367247, 0.95)
    assert " ".join(f"{end:.6f}" for end in ends) == "0.952769 0.977217 0.950486 0.975360"


def test_touchstone_effect_from_its_rank_sum():
    # 295 patients, 9 of them without difference; any signs of the ranks 1 to 286 that sum to W 22743 will do
    positive, left = [], 22743
    for rank in range(286, 0, -1):
        if rank <= left:
            positive.append(rank)
            left -= rank
    differences = np.zeros(295)
    differences[:286] = -np.arange(1, 287)
    differences[np.array(positive) - 1] *= -1
    found = compare_paired(differences, np.zeros(295), alternative="greater")
    assert (found.n, found.n_zero, found.statistic) == (295, 9, 22743.0)
    assert f"{found.p:.7f} {found.rank_biserial:.6f}" == "0.0561863 0.108306"
    assert f"{compare_paired(differences, np.zeros(295)).p:.6f}" == "0.112373"


def golden_path(name):
    """The file or folder that the variable names, or the test is skipped."""
    path = os.environ.get(f"ONCOHORT_GOLDEN_{name}")
    if not path or not Path(path).exists():
        pytest.skip(f"golden numbers: ONCOHORT_GOLDEN_{name} does not name a file")
    return Path(path)


@pytest.fixture
def suprem():
    """Truth and scores of `patientID_pr_gt_pos_flag.csv` (MrGiovanni/SuPreM; id, score, flag; no header)."""
    with golden_path("SUPREM").open(newline="") as stream:
        rows = [row for row in csv.reader(stream) if row]
    return np.array([row[2].strip() == "True" for row in rows]), np.array([float(row[1]) for row in rows])


@pytest.mark.real_data
def test_suprem_area(suprem):
    truth, scores = suprem
    found = delong(truth, scores)
    assert (found.n_positive, found.n_negative, np.unique(scores).size) == (660, 330, 108)
    assert f"{found.auc:.10f} {found.se:.10f}" == "0.9649931129 0.0062367247"
    assert f"{found.low:.6f} {found.high:.6f}" == "0.952769 0.977217"
    assert f"{found.logit_low:.6f} {found.logit_high:.6f}" == "0.950486 0.975360"
    assert f"{ap_draws(scores, truth, None, np.ones((1, 990), np.int32))[0]:.6f}" == "0.977531"
    assert ((scores >= 0.5) & truth).sum() == 621
    assert ((scores < 0.5) & ~truth).sum() == 306


@pytest.mark.real_data
def test_suprem_bootstrap(suprem):
    truth, scores = suprem
    draws = draw_patients(990, draws=2000, seed=0, strata=truth)
    interval = percentile_interval(auc_draws(scores, truth, None, draws), confidence=0.95)
    assert interval == pytest.approx((0.9517, 0.9764), abs=0.001)


@pytest.fixture
def touchstone():
    """Dice of the pancreas per model and case from `totalsegmentator_results/*/dsc.csv` (MrGiovanni/Touchstone)."""
    models = {}
    for file in sorted(golden_path("TOUCHSTONE").glob("*/dsc.csv")):
        with file.open(newline="") as stream:
            rows = {row["name"]: row["pancreas"] for row in csv.DictReader(stream)}
        models[file.parent.name] = {case: float(dice) for case, dice in rows.items() if dice.strip() not in {"", "nan"}}
    return models


def found_model(models, *names):
    return next(models[name] for name in names if name in models)


def paired(a, b, **options):
    cases = sorted(set(a) & set(b))
    return compare_paired([a[case] for case in cases], [b[case] for case in cases], **options)


@pytest.mark.real_data
def test_touchstone_pairs(touchstone):
    residual = found_model(touchstone, "nnU-Net ResEncL", "nnU-Net_ResEncL")
    plain = found_model(touchstone, "nnU-Net U-Net", "nnU-Net_U-Net")
    base = found_model(touchstone, "STU-Net B", "STU-Net", "nnU-Net_STU-Net_B")
    huge = found_model(touchstone, "STU-Net H", "nnU-Net_STU-Net_H")
    found = paired(residual, plain, alternative="greater")
    assert (found.n, found.n_zero, found.statistic) == (295, 9, 22743.0)
    assert f"{found.p:.7f} {found.mean_difference:.7f} {found.median_difference:.7f}" == "0.0561863 0.0110694 0.0005843"
    assert f"{found.hodges_lehmann:.7f} {found.rank_biserial:.6f}" == "0.0018653 0.108306"
    assert f"{paired(residual, plain, alternative='greater', zero='pratt').p:.7f}" == "0.0559941"
    assert f"{paired(residual, plain).p:.6f}" == "0.112373"
    other = paired(base, huge, alternative="greater")
    assert (other.n, f"{other.p:.5e}") == (257, "7.72370e-05")
    assert f"{paired(base, huge, alternative='greater', zero='pratt').p:.5e}" == "7.85997e-05"


@pytest.mark.real_data
def test_touchstone_family(touchstone):
    ordered = list(itertools.permutations(touchstone, 2))
    adjusted = holm([paired(touchstone[a], touchstone[b], alternative="greater").p for a, b in ordered])
    assert (len(touchstone), len(ordered), int((adjusted < 0.05).sum())) == (19, 342, 140)
    means = [np.mean(list(values.values())) for values in touchstone.values()]
    medians = [np.median(list(values.values())) for values in touchstone.values()]
    assert f"{kendall_tau(means, medians):.5f}" == "0.85965"


@pytest.mark.real_data
def test_touchstone_means_medians_and_places(touchstone):
    names = {
        "residual": found_model(touchstone, "nnU-Net ResEncL", "nnU-Net_ResEncL"),
        "plain": found_model(touchstone, "nnU-Net U-Net", "nnU-Net_U-Net"),
        "base": found_model(touchstone, "STU-Net B", "STU-Net", "nnU-Net_STU-Net_B"),
        "large": found_model(touchstone, "STU-Net L", "nnU-Net_STU-Net_L"),
        "huge": found_model(touchstone, "STU-Net H", "nnU-Net_STU-Net_H"),
    }
    means = {name: f"{np.mean(list(values.values())):.5f}" for name, values in names.items()}
    medians = {name: f"{np.median(list(values.values())):.5f}" for name, values in names.items()}
    assert means == dict(residual="0.76282", plain="0.75175", base="0.74889", large="0.75223", huge="0.74510")
    assert medians == dict(residual="0.87732", plain="0.86771", base="0.87198", large="0.86787", huge="0.86741")
    every, common = (combine(*map(set, touchstone.values())) for combine in (set.union, set.intersection))
    assert (len(every), len(common)) == (295, 257)
    rules = {
        "available": [np.mean(list(values.values())) for values in touchstone.values()],
        "common": [np.mean([values[case] for case in common]) for values in touchstone.values()],
        "missing is 0": [sum(values.values()) / len(every) for values in touchstone.values()],
    }
    where = [values is names["large"] for values in touchstone.values()].index(True)
    places = {rule: 1 + sum(mean > found[where] for mean in found) for rule, found in rules.items()}
    assert places == {"available": 2, "common": 5, "missing is 0": 13}


@pytest.fixture
def pants():
    """Training and test cases of `metadata.xlsx` of PanTS (sheet PanTS_metadata; test cases from 9001 on)."""
    path = golden_path("PANTS_METADATA")
    pytest.importorskip("openpyxl")
    table = pl.read_excel(path, sheet_name="PanTS_metadata", engine="openpyxl", infer_schema_length=None)
    table = table.with_columns(
        pl.col("PanTS ID").str.extract(r"(\d+)$").cast(pl.Int64).alias("number"),
        pl.col("age").cast(pl.Float64, strict=False),
        pl.col("sex", "ct phase").str.strip_chars(),
        pl.col("tumor?").cast(pl.Int64),
        pl.col("spacing").str.extract_all(r"[0-9.]+").cast(pl.List(pl.Float64)),
    )
    assert table.height == 9901
    return table.filter(pl.col("number") <= 9000), table.filter(pl.col("number") > 9000)


def counted(tables, column, values):
    return [[int((table[column] == value).sum()) for value in values] for table in tables]


@pytest.mark.real_data
def test_pants_metadata(pants):
    ages = [table["age"].drop_nulls().drop_nans().to_numpy() for table in pants]
    assert [values.size for values in ages] == [4612, 480]
    facts = [f"{values.mean():.3f} {values.std(ddof=1):.3f}" for values in ages]
    assert facts == ["60.726 12.842", "59.040 14.492"]
    assert f"{mann_whitney(*ages).p:.6f}" == "0.099165"
    assert counted(pants, "sex", "FM") == [[2136, 2655], [222, 269]]
    phases = ["Non-contrast", "Venous", "Arterial", "Delay"]
    assert counted(pants, "ct phase", phases) == [[4353, 2302, 2288, 56], [134, 593, 162, 12]]
    assert counted(pants, "tumor?", [1, 0]) == [[926, 8074], [151, 750]]
    in_plane, slices = ([table["spacing"].list.get(axis).to_numpy() for table in pants] for axis in (0, 2))
    assert f"{mann_whitney(*in_plane).p:.7f}" == "0.0952867"
    assert f"{mann_whitney(*slices).p:.5e}" == "4.03204e-35"
