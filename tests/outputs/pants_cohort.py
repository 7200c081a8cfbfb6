"""Planted scores of the PanTS test set: 151 patients with 161 tumours, 750 without."""

import numpy as np
from organ_cohort import HEAD, rule

from oncohort.profiles import parse_profile
from oncohort.results import Score, Scores

COHORT = [
    '[[cohort_metric]]\nname = "auc"',
    '[[cohort_metric]]\nname = "patient_sensitivity"',
    '[[cohort_metric]]\nname = "tumour_sensitivity"\nlabel = "t_sen"',
    '[[cohort_metric]]\nname = "specificity"',
]
METRICS = ("dice", "reference_volume_ml", "prediction_volume_ml", "lesion_tp", "lesion_fn")


def protocol(cohort=COHORT):
    head = HEAD.replace("TIE", "dice").replace('structures = "each"', 'structure = "pancreatic_lesion"')
    rules = [rule("dice", 1.0, empty="undefined"), *(rule(name, both="measured") for name in METRICS[1:])]
    components = '[components]\nconnectivity = 26\nmatching = "any-overlap"\n'
    return parse_profile("\n".join([head, *rules, *cohort, components]), where="test")


def planted(model, *, patients, tumours, free, dice=None):
    """901 patients: 151 with 161 tumours, 750 without; so many are found, hit, and called free of tumour."""
    volumes = iter(np.linspace(0.5, 60.0, 901))
    for number in range(901):
        case, holds = f"PanTS_{9001 + number:08d}", number < 151
        several = 2 if number < 10 else 1
        found = number < patients if holds else number - 151 >= free
        hit = min(max(tumours - (number + min(number, 10)), 0), several) if holds else 0
        values = {
            "dice": dice if holds and dice is not None else 0.5 if holds else None,
            "reference_volume_ml": 4.0 if holds else 0.0,
            "prediction_volume_ml": next(volumes) if found else 0.0,
            "lesion_tp": hit,
            "lesion_fn": several - hit if holds else 0,
        }
        for metric, value in values.items():
            reason = {"undefined": "reference_empty"} if value is None else {}
            number_of = None if value is None else float(value)
            yield Score(model, case, case, "pancreatic_lesion", metric, number_of, "1", "pants", "1", **reason)


def published():
    """The two rows that PanTS prints, MrGiovanni/PanTS README of 2026-06-10."""
    rows = [
        *planted("MedFormer", patients=122, tumours=121, free=675, dice=0.529),
        *planted("R-Super", patients=121, tumours=129, free=699, dice=0.534),
    ]
    return Scores.from_scores(rows, {"profile_text": protocol().text})
