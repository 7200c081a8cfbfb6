"""Labels of a cohort, of a published data set, and of the registry, as people and machines see them."""

from __future__ import annotations

from collections.abc import Sequence

from oncohort.cli.output import ExitCode, print_json, say, show_plain_table
from oncohort.cohort import Cohort
from oncohort.description import LabelCount, count_labels
from oncohort.layouts.labels import PublishedLabel, all_labels, numberings, registry

_MOST_LABELS = 12


def show_label_counts(labels: Sequence[LabelCount]) -> None:
    """Show labels with the number of cases in whose masks they were looked for; many of them by group."""
    title = f"labels ({len(labels)}), and the cases in whose masks they were looked for"
    groups = list(dict.fromkeys(label.groups for label in labels))
    if len(labels) > _MOST_LABELS >= len(groups) and all(len(group) == 1 for group in groups):
        members = {group: [label for label in labels if label.groups == group] for group in groups}
        rows = [[group[0], len(found), found[0].role, _range(found)] for group, found in members.items()]
        show_plain_table(title, ["group", "labels", "masks", "cases"], rows)
    elif labels:
        listed = [[label.name, label.value, label.role, f"{label.cases:,}"] for label in labels[:_MOST_LABELS]]
        more = f"and {len(labels) - _MOST_LABELS} more"
        rows = [*listed, [more, None, "", ""]] if len(labels) > _MOST_LABELS else listed
        show_plain_table(title, ["label", "integer", "masks", "cases"], rows)
    if len(labels) > _MOST_LABELS:
        say("`oncohort info COHORT --labels` shows every label with its SNOMED CT code\n")


def _range(labels: Sequence[LabelCount]) -> str:
    fewest, most = min(label.cases for label in labels), max(label.cases for label in labels)
    return f"{most:,}" if fewest == most else f"{fewest:,} to {most:,}"


def give_labels(cohort: Cohort, *, as_json: bool) -> int:
    """Show every label of a cohort to people, and as JSON to machines if they ask."""
    labels = count_labels(cohort)
    if as_json:
        print_json(
            {
                "cohort": cohort.name,
                "labels": [
                    {
                        "name": label.name,
                        "integer": label.value,
                        "masks": label.role,
                        "cases": label.cases,
                        "code": label.code or None,
                        "common_name": label.structure,
                        "groups": label.groups,
                    }
                    for label in labels
                ],
            }
        )
    rows = [
        [label.name, label.value, label.code or "-", label.role or "-", f"{label.cases:,}", _other(label)]
        for label in labels
    ]
    columns = ["label", "integer", "SNOMED CT", "masks", "cases", "common name"]
    show_plain_table(f"labels of {cohort.name}", columns, rows)
    return ExitCode.DONE


def _other(label: LabelCount | PublishedLabel) -> str:
    """The common name where it is another one."""
    return "" if label.structure == label.name else label.structure or "-"


def give_registry(data_set: str | None, *, as_json: bool) -> int:
    """Show the structures of all data sets, or the labels of one."""
    if data_set is None:
        if as_json:
            print_json({"structures": [_structure_entry(name) for name in registry()]})
        _show_structures()
        return ExitCode.DONE
    labels = all_labels(data_set)
    if as_json:
        print_json({"data_set": data_set, "labels": [_label_entry(label) for label in labels]})
    rows = []
    for name in dict.fromkeys(label.name for label in labels):
        same = [label for label in labels if label.name == name]
        structure = registry().get(same[0].structure or "")
        rows.append([name, (structure.code if structure else "") or "-", _integers(same), _other(same[0])])
    show_plain_table(f"labels of {data_set}", ["published name", "SNOMED CT", "integer", "common name"], rows)
    return ExitCode.DONE


def _show_structures() -> None:
    """A row per structure, with its integer in every data set that has many labels."""
    sets = {name: next(iter(variants.values())) for name, variants in numberings().items()}
    sets = {name: labels for name, labels in sets.items() if len(labels) > 1}
    values = {name: {label.structure: label.value for label in labels} for name, labels in sets.items()}
    rows = [
        [structure.name, structure.code or "-", *(values[name].get(structure.name) for name in sets)]
        for structure in registry().values()
    ]
    show_plain_table("structures, with their integers", ["structure", "SNOMED CT", *sets], rows)
    firsts = ", ".join(f"{name}: {labels[0].variant}" for name, labels in sets.items())
    say(f"Integers are those of {firsts}. Published names and all numberings: oncohort info --labels DATASET, of")
    say(", ".join(numberings()))


def _integers(labels: Sequence[PublishedLabel]) -> str:
    """The integers of one label, with the numberings that they belong to where these differ."""
    variants: dict[int, list[str]] = {}
    for label in labels:
        variants.setdefault(label.value, []).append(label.variant)
    if len(variants) == 1:
        return str(labels[0].value)
    return "; ".join(f"{value} ({', '.join(names)})" for value, names in variants.items())


def _structure_entry(name: str) -> dict[str, object]:
    structure = registry()[name]
    return {
        "name": name,
        "code": structure.code or None,
        "meaning": structure.meaning or None,
        "side": structure.side or None,
        "side_code": structure.side_code or None,
        "region_code": structure.region_code or None,
        "region": structure.region or None,
        "groups": structure.groups,
        "origin": structure.origin or None,
        "published": [
            _label_entry(label)
            for variants in numberings().values()
            for labels in variants.values()
            for label in labels
            if label.structure == name
        ],
    }


def _label_entry(label: PublishedLabel) -> dict[str, object]:
    return {
        "data_set": label.data_set,
        "variant": label.variant,
        "integer": label.value,
        "name": label.name,
        "common_name": label.structure,
        "group": label.group or None,
    }
