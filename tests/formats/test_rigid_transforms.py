"""Rigid transforms against ITK itself."""

import json

import numpy as np
import pytest
import SimpleITK

from oncohort.errors import FormatError
from oncohort.formats.rigid_transforms import (
    about_centre,
    largest_shift_mm,
    read_registration,
    read_tfm,
    registration_matrix,
)

LPS_RAS = np.diag([-1.0, -1.0, 1.0])
POINTS = np.array([[0.0, 0.0, 0.0], [10.0, -20.0, 30.0], [-111.0, 7.0, 900.0]])

EXAMPLE = """#Insight Transform File V1.0
#Transform 0
Transform: Euler3DTransform_double_3_3
Parameters: 0.1 0.2 0.3 4 5 6
FixedParameters: 1 2 3 0
"""


def euler(*, zyx=False):
    transform = SimpleITK.Euler3DTransform()
    transform.SetCenter((12.0, -30.0, 500.0))
    transform.SetRotation(0.1, -0.2, 0.3)
    transform.SetTranslation((4.0, 5.0, -6.0))
    transform.SetComputeZYX(zyx)
    return transform


def moved_by_itk(transform):
    return np.array([LPS_RAS @ transform.TransformPoint((LPS_RAS @ point).tolist()) for point in POINTS])


def moved(matrix):
    return POINTS @ matrix[:3, :3].T + matrix[:3, 3]


@pytest.mark.parametrize("zyx", [False, True])
def test_a_file_of_itk_moves_points_as_itk_does(tmp_path, zyx):
    transform = euler(zyx=zyx)
    path = tmp_path / "rigid.tfm"
    SimpleITK.WriteTransform(transform, str(path))
    assert np.allclose(moved(read_tfm(path)), moved_by_itk(transform), atol=1e-9)


def test_the_json_of_the_containers_moves_points_as_the_transform_it_was_made_of(tmp_path):
    transform = euler()
    matrix = np.zeros((4, 4))  # as the organisers' converter fills it
    matrix[:3, :3] = np.reshape(transform.GetMatrix(), (3, 3))
    matrix[:3, 3] = transform.GetTranslation()
    matrix[3, :3] = transform.GetCenter()
    path = tmp_path / "psma-to-fdg-registration.json"
    path.write_text(json.dumps({"3d_affine_transform": matrix.tolist()}))
    found = read_registration(path)
    assert np.allclose(moved(found), moved_by_itk(transform), atol=1e-9)
    assert np.array_equal(found[3], [0, 0, 0, 1])
    naive = POINTS @ matrix[:3, :3].T + matrix[:3, 3]
    assert np.abs(naive - moved_by_itk(transform)).max() > 50  # mm: what reading it as homogeneous costs


def test_the_folders_hold_inverses_of_each_other(tmp_path):
    transform = euler()
    SimpleITK.WriteTransform(transform, str(tmp_path / "a.tfm"))
    SimpleITK.WriteTransform(SimpleITK.Euler3DTransform(transform.GetInverse()), str(tmp_path / "b.tfm"))
    there, back = read_tfm(tmp_path / "a.tfm"), read_tfm(tmp_path / "b.tfm")
    assert largest_shift_mm(back @ there) < 1e-6
    assert largest_shift_mm(there @ there) > 10


def test_a_file_typed_from_the_format(tmp_path):
    path = tmp_path / "rigid.tfm"
    path.write_text(EXAMPLE)
    assert read_tfm(path).shape == (4, 4)
    path.write_text(EXAMPLE.replace("FixedParameters: 1 2 3 0", "FixedParameters: 1 2 3"))
    assert read_tfm(path).shape == (4, 4)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing",
        EXAMPLE.replace("Euler3DTransform", "AffineTransform"),
        EXAMPLE.replace("4 5 6", "4 5"),
        EXAMPLE.replace("4 5 6", "4 5 six"),
        EXAMPLE.replace("4 5 6", "4 5 nan"),
        EXAMPLE.replace("4 5 6", "4 5 1e999"),
        EXAMPLE.replace("FixedParameters: 1 2 3 0", ""),
        EXAMPLE + EXAMPLE,
    ],
)
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / "rigid.tfm"
    path.write_text(text)
    with pytest.raises(FormatError):
        read_tfm(path)


def test_bytes_that_are_no_text_a_missing_and_a_huge_file_are_refused(tmp_path):
    path = tmp_path / "rigid.tfm"
    with pytest.raises(FormatError):
        read_tfm(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError):
        read_tfm(path)
    path.write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(FormatError):
        read_registration(path)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"3d_affine_transform": None},
        {"3d_affine_transform": [[1, 2], [3, 4]]},
        {"3d_affine_transform": [["a"] * 4] * 4},
        {"3d_affine_transform": np.diag([2.0, 1, 1, 1]).tolist()},
        {"3d_affine_transform": np.diag([-1.0, 1, 1, 1]).tolist()},
        {"3d_affine_transform": [[float("nan")] * 4] * 4},
        {"3d_affine_transform": [[10**400] * 4] * 4},
    ],
)
def test_other_values_are_refused(value):
    with pytest.raises(FormatError):
        registration_matrix(value)


def test_a_turn_about_a_centre_leaves_the_centre_where_it_is():
    half = [[-1, 0, 0], [0, -1, 0], [0, 0, 1]]
    matrix = about_centre(half, [0, 0, 0], [10, 20, 30])
    centre = np.array([-10, -20, 30, 1])  # the same place in RAS
    assert np.allclose(matrix @ centre, centre)
