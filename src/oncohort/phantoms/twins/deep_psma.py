"""Twin of DEEP-PSMA: PSMA and FDG PET/CT of the same body, apart by a rigid motion.

::

    train_0001/{PSMA,FDG}/  CT.nii.gz  PET.nii.gz  TTB.nii.gz  threshold.json  totseg_24.nii.gz  rigid.tfm

The 24 groups of organs are not named in public; those drawn here are made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.geometry import Geometry
from oncohort.layouts import deep_psma as layout
from oncohort.phantoms.patient import PhantomPatient
from oncohort.phantoms.shapes import Ellipsoid
from oncohort.phantoms.twins.anatomy import REGIONS
from oncohort.phantoms.twins.deep_psma_faults import FAULTS
from oncohort.phantoms.twins.nifti_files import write_image
from oncohort.phantoms.twins.protocol import Twin, TwinCase, WrittenCase, no_cohort_files
from oncohort.phantoms.twins.scene import Mask, Scene, label_array, scene_of, strided, volume_of
from oncohort.storage import write_bytes, write_json
from oncohort.volume import Volume, reorient

ORGANS = (
    *("spleen", "kidney_right", "kidney_left", "gallbladder", "liver", "stomach", "pancreas", "bladder", "prostate"),
    *("lung_left", "lung_right", "heart_myocardium", "aorta", "postcava", "colon", "duodenum", "brain", "sacrum"),
    *("hip_left", "hip_right", "femur_left", "femur_right", "sternum", "skull"),
)
"""Made-up groups for the integers 1 to 24."""

LESIONS = (4, 1, 9, 2, 6, 1, 12, 3)
"""Lesions of the first patients; the row repeats."""

_PET_STRIDE = 2  # CT voxels per PET voxel
_GROWN = 1.15
_SHIFT_MM = (3.0, -5.0, 8.0)
_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Rigid:
    """ITK's Euler3DTransform with a turn about z alone: x -> R (x - centre) + centre + shift, in mm, LPS.

    Examples:
        >>> motion = Rigid(0.1, (1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
        >>> np.allclose(motion.matrix() @ motion.inverse().matrix(), np.eye(4))
        True
    """

    angle: float
    shift: tuple[float, float, float]
    centre: tuple[float, float, float]

    def rotation(self) -> NDArray[np.float64]:
        """The 3 x 3 part."""
        c, s = cos(self.angle), sin(self.angle)
        return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])

    def matrix(self) -> NDArray[np.float64]:
        """The motion as a 4 x 4 matrix."""
        whole = np.eye(4)
        centre = np.array(self.centre)
        whole[:3, :3] = self.rotation()
        whole[:3, 3] = centre + np.array(self.shift) - self.rotation() @ centre
        return whole

    def inverse(self) -> Rigid:
        """The motion back, about the same centre."""
        x, y, z = (float(value) for value in -(self.rotation().T @ np.array(self.shift)))
        return Rigid(-self.angle, (x, y, z), self.centre)

    def text(self) -> bytes:
        """The transform file as ITK writes it."""
        moved = " ".join(repr(value) for value in (0.0, 0.0, self.angle, *self.shift))
        fixed = " ".join(repr(value) for value in (*self.centre, 0.0))
        return (
            f"#Insight Transform File V1.0\n#Transform 0\nTransform: {layout.RIGID_KIND}\n"
            f"Parameters: {moved}\nFixedParameters: {fixed}\n"
        ).encode()


def write_case(case: TwinCase) -> WrittenCase:
    """Draw one body with both tracers and write both folders; the FDG scan lies where `rigid.tfm` says."""
    name = f"train_{case.number:04d}"
    count = LESIONS[(case.number - 1) % len(LESIONS)]
    psma = case.draw(count, "PSMA")
    fdg = case.draw(count)
    x, y, z = (float(value) for value in psma.ct.geometry.to_mm([np.array(psma.ct.geometry.shape) / 2])[0])
    motion = Rigid(radians(0.5 * (1 + case.number % 4)), _SHIFT_MM, (-x, -y, z))
    written = WrittenCase(case, name, {"patient": name, "lesions": [lesion.row() for lesion in psma.truth]})
    places = {"PSMA": (psma, np.eye(4), motion), "FDG": (fdg, _LPS @ motion.matrix() @ _LPS, motion.inverse())}
    for tracer, (patient, place, transform) in places.items():
        scan = _Scan(written, tracer, place, scene_of(patient, _PET_STRIDE))
        written.truth[tracer] = _write_tracer(scan, patient, transform)
    return written


@dataclass(frozen=True)
class _Scan:
    written: WrittenCase
    tracer: str
    place: NDArray[np.float64]
    scene: Scene

    @property
    def folder(self) -> Path:
        return self.written.root / self.written.name / self.tracer

    def write(self, file: str, volume: Volume) -> None:
        """Write an image where the body lay during this scan."""
        moved = Geometry(volume.geometry.shape, self.place @ volume.geometry.affine)
        self.written.add(write_image(self.folder / file, Volume.from_array(volume.array, moved, volume.unit)))


def _write_tracer(scan: _Scan, patient: PhantomPatient, transform: Rigid) -> dict[str, Any]:
    pet = patient.pet
    threshold = layout.PSMA_THRESHOLD_SUV if scan.tracer == "PSMA" else _liver_threshold(patient)
    burden = _burden(patient, threshold)
    organs = label_array(
        ((value, scan.scene.mask(REGIONS[name])) for value, name in enumerate(ORGANS, start=1)),
        scan.scene.tissues.shape,
    )
    for file, volume in (
        (layout.CT_FILE, strided(patient.ct, _PET_STRIDE)),
        (layout.PET_FILE, pet),
        (layout.TTB_FILE, volume_of(burden, pet.geometry)),
        (layout.ORGANS_FILE, volume_of(organs, scan.scene.grid)),
    ):
        scan.write(file, reorient(volume, "LPS"))
    write_json(scan.folder / layout.THRESHOLD_FILE, {layout.THRESHOLD_KEY: threshold})
    write_bytes(scan.folder / layout.RIGID_FILE, transform.text())
    scan.written.add(scan.folder / layout.THRESHOLD_FILE)
    scan.written.add(scan.folder / layout.RIGID_FILE)
    return {
        "threshold_suv": threshold,
        "burden_ml": round(float(burden.sum()) * pet.geometry.voxel_ml, 6),
        "transform": transform.matrix().tolist(),
    }


def _liver_threshold(patient: PhantomPatient) -> float:
    """Mean and twice the standard deviation of the liver in the FDG PET."""
    scene = scene_of(patient, _PET_STRIDE)
    values = patient.pet.array.T[scene.mask(REGIONS["liver"])]
    return round(float(values.mean() + 2.0 * values.std()), 4)


def _burden(patient: PhantomPatient, threshold: float) -> Mask:
    """Voxels above the threshold in and next to the lesions."""
    scene = scene_of(patient, _PET_STRIDE)
    near = scene.empty()
    for lesion in patient.truth:
        a, b, c = (radius * _GROWN + 2.0 for radius in lesion.radii_mm)
        near |= scene.ellipsoid(Ellipsoid(lesion.centre_mm, (a, b, c)))
    return np.asarray(near & np.greater_equal(patient.pet.array.T, threshold))


TWIN = Twin(
    layout.NAME,
    layout.NAME,
    "PSMA and FDG PET/CT of the same patients with thresholds and total tumour burden",
    write_case,
    no_cohort_files,
    FAULTS,
)
