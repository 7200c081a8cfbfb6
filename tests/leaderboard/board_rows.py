"""Score tables for leaderboards, from a few numbers."""

import numpy as np

from oncohort.profiles import load_profile, parse_profile
from oncohort.results import Score, Scores

MISSING, EMPTY, NO_REFERENCE = "prediction_missing", "prediction_empty", "reference_empty"


def score(model, case, metric, value, *, patient=None, structure="lesion"):
    """`value` is a number, or the reason why there is none."""
    reason = {"undefined": value} if isinstance(value, str) else {}
    return Score(
        model=model,
        case=case,
        patient=patient or case,
        structure=structure,
        metric=metric,
        value=None if reason else float(value),
        unit="1",
        profile="test",
        profile_version="1",
        **reason,
    )


def scores_of(values, *, profile, patients=None, run=None):
    """`values`: per (model, metric) or (model, metric, structure), the values of all cases by name."""
    rows = [
        score(key[0], case, key[1], value, patient=(patients or {}).get(case), structure=(*key, "lesion")[2])
        for key, cases in values.items()
        for case, value in cases.items()
    ]
    missing = {key[0]: [case for case, value in cases.items() if value == MISSING] for key, cases in values.items()}
    return Scores.from_scores(
        rows, {"profile_text": profile.text, "missing": missing, "cohort": "trial", **(run or {})}
    )


def profile_of(*metrics, weights=None, cohort=(), structures=False):
    """A profile of these metrics, the first of which breaks ties."""
    weights = weights or [1.0, *[0.0] * (len(metrics) - 1)]
    head = load_profile("autopet-iii").text.split("[[metric]]")[0]
    head = head.replace('tie_break = "dice"', f'tie_break = "{metrics[0]}"')
    if structures:
        head = head.replace('structure = "lesion"', 'structures = "each"')
    rules = [
        f'[[metric]]\nname = "{name}"\nweight = {weight}\naggregate = "mean"\nreference_empty = "undefined"\n'
        'prediction_empty = "undefined"\nboth_empty = "undefined"\nmissing = "undefined"\n'
        for name, weight in zip(metrics, weights, strict=True)
    ]
    return parse_profile("\n".join([head, *rules, *cohort]), where="test")


def random_values(models, cases, *, seed, metric="dice"):
    generator = np.random.default_rng(seed)
    return {(model, metric): {f"c{case}": generator.random() for case in range(cases)} for model in models}
