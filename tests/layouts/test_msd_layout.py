"""Facts of the Decathlon as its files `dataset.json` have them."""

from oncohort.layouts import msd


def test_there_are_ten_tasks_named_by_their_numbers():
    assert list(msd.TASKS) == list(range(1, 11))
    assert all(task.folder.startswith(f"Task{number:02d}_") for number, task in msd.TASKS.items())


def test_hepatic_vessels_as_published():
    """Release 1.1 of 14 August 2018: {"0": "CT"}, {"1": "Vessel", "2": "Tumour"}, 303 and 140 cases."""
    task = msd.TASKS[8]
    assert (task.modalities, task.labels, task.training, task.test) == (("CT",), ("Vessel", "Tumour"), 303, 140)


def test_two_tasks_have_a_fourth_axis():
    assert {number: task.modalities for number, task in msd.TASKS.items() if len(task.modalities) > 1} == {
        1: ("FLAIR", "T1w", "t1gd", "T2w"),
        5: ("T2", "ADC"),
    }
