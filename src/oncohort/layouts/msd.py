"""Medical Segmentation Decathlon: ten tasks, each a folder with images, labels and `dataset.json`.

::

    Task07_Pancreas/
      dataset.json                     name, licence, release, modality, labels, training, test
      imagesTr/pancreas_001.nii.gz     three axes; four where there are several modalities
      labelsTr/pancreas_001.nii.gz
      imagesTs/pancreas_002.nii.gz     labels of the test cases are not published
      imagesTr/._pancreas_001.nii.gz   left by the computer on which the archive was made; no images

The lists `training` and `test` in `dataset.json` say which files belong together. Source: the files `dataset.json`
of the release and Antonelli et al., The Medical Segmentation Decathlon, 2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NAME = "msd"
TITLE = "Medical Segmentation Decathlon"
DOI = "10.1038/s41467-022-30695-9"
ARXIV = "1902.09063"
LICENCE = "CC-BY-SA-4.0"
DATASET_FILE = "dataset.json"
IMAGE_FOLDERS = {"train": "imagesTr", "test": "imagesTs"}
LABEL_FOLDERS = {"train": "labelsTr", "test": "labelsTs"}
LISTS = {"train": "training", "test": "test"}
"""Keys of `dataset.json` that list the cases of a split."""
FILE_ENDING = ".nii.gz"
HIDDEN_PREFIX = "._"
"""Begins the names of files that macOS put into the archives."""


@dataclass(frozen=True)
class Task:
    """One task as its `dataset.json` describes it.

    Attributes:
        folder: Name of the folder.
        modalities: Name of each image along the fourth axis; one name for images with three axes.
        labels: Names of the integers from 1.
        training: Cases with label.
        test: Cases without.
    """

    folder: str
    modalities: tuple[str, ...]
    labels: tuple[str, ...]
    training: int
    test: int


TASKS: Mapping[int, Task] = {
    1: Task(
        "Task01_BrainTumour",
        ("FLAIR", "T1w", "t1gd", "T2w"),
        ("edema", "non-enhancing tumor", "enhancing tumour"),
        484,
        266,
    ),
    2: Task("Task02_Heart", ("MRI",), ("left atrium",), 20, 10),
    3: Task("Task03_Liver", ("CT",), ("liver", "cancer"), 131, 70),
    4: Task("Task04_Hippocampus", ("MRI",), ("Anterior", "Posterior"), 260, 130),
    5: Task("Task05_Prostate", ("T2", "ADC"), ("PZ", "TZ"), 32, 16),
    6: Task("Task06_Lung", ("CT",), ("cancer",), 63, 32),
    7: Task("Task07_Pancreas", ("CT",), ("pancreas", "cancer"), 281, 139),
    8: Task("Task08_HepaticVessel", ("CT",), ("Vessel", "Tumour"), 303, 140),
    9: Task("Task09_Spleen", ("CT",), ("spleen",), 41, 20),
    10: Task("Task10_Colon", ("CT",), ("colon cancer primaries",), 126, 64),
}
"""The ten tasks by number."""
