"""Intervals, tests and ranks from arrays of numbers; the patient is the unit."""

from oncohort.statistics.bootstrap import bootstrap_means, draw_patients, ratio_draws
from oncohort.statistics.correction import benjamini_hochberg, holm
from oncohort.statistics.counts import chi_square, fisher_exact
from oncohort.statistics.curves import ap_draws, auc_draws
from oncohort.statistics.delong import AucEstimate, PairedTest, delong, delong_paired
from oncohort.statistics.groups import GroupComparison, kruskal_wallis, mann_whitney
from oncohort.statistics.hodges_lehmann import hodges_lehmann
from oncohort.statistics.interval import Interval, bca_interval, median_interval, percentile_interval
from oncohort.statistics.jackknife import jackknife_patients
from oncohort.statistics.letters import letter_display
from oncohort.statistics.log_p import log10_p_chi2, log10_p_normal
from oncohort.statistics.paired import PairedComparison, compare_paired
from oncohort.statistics.proportion import clopper_pearson_interval, wilson_interval
from oncohort.statistics.ranking import RankDistribution, kendall_tau, kendall_taus, rank_distribution, rank_values
from oncohort.statistics.sign_flip import SignFlipTest, sign_flip_test
from oncohort.statistics.signed_rank_draws import signed_rank_z

__all__ = [
    "AucEstimate",
    "GroupComparison",
    "Interval",
    "PairedComparison",
    "PairedTest",
    "RankDistribution",
    "SignFlipTest",
    "ap_draws",
    "auc_draws",
    "bca_interval",
    "benjamini_hochberg",
    "bootstrap_means",
    "chi_square",
    "clopper_pearson_interval",
    "compare_paired",
    "delong",
    "delong_paired",
    "draw_patients",
    "fisher_exact",
    "hodges_lehmann",
    "holm",
    "jackknife_patients",
    "kendall_tau",
    "kendall_taus",
    "kruskal_wallis",
    "letter_display",
    "log10_p_chi2",
    "log10_p_normal",
    "mann_whitney",
    "median_interval",
    "percentile_interval",
    "rank_distribution",
    "rank_values",
    "ratio_draws",
    "sign_flip_test",
    "signed_rank_z",
    "wilson_interval",
]
