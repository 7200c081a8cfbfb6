import numpy as np
import pytest

from oncohort.cohort import Case
from oncohort.errors import MissingNeedError
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume


def grid(edge):
    return Geometry((edge, 1, 1), np.eye(4))


def image(edge):
    return lambda: Volume.from_array(np.zeros((edge, 1, 1)), grid(edge), Unit.HU)


def mask(edge):
    scheme = LabelScheme("lesion", {"lesion": 1})
    return lambda: LabelMap.from_masks({"lesion": np.ones((edge, 1, 1), bool)}, grid(edge), scheme)


CASE = Case("A_1", "A", {"tracer": "FDG"}, {"ct": image(1), "pet": image(2), "lesions": mask(3)})


def test_roles_are_those_of_the_volumes_in_order():
    assert CASE.roles == ("ct", "pet", "lesions")
    assert "pet" in CASE
    assert "organs" not in CASE
    assert CASE["pet"].geometry.shape == (2, 1, 1)


def test_a_missing_role_is_named_with_the_case():
    with pytest.raises(
        MissingNeedError, match=r"case A_1: expected a volume with role 'organs', found ct, pet, lesions"
    ):
        CASE["organs"]
    with pytest.raises(MissingNeedError, match="no volumes"):
        Case("B", "B", {}, {})["ct"]


def test_images_and_label_maps_are_told_apart():
    assert CASE.image("ct").unit is Unit.HU
    assert CASE.label_map("lesions").mask("lesion").all()
    with pytest.raises(MissingNeedError, match=r"an image with role 'lesions', found a label map"):
        CASE.image("lesions")
    with pytest.raises(MissingNeedError, match=r"a label map with role 'ct', found an image"):
        CASE.label_map("ct")


@pytest.mark.parametrize(("roles", "edge"), [(("ct", "pet", "lesions"), 3), (("ct", "pet"), 2), (("ct",), 1)])
def test_the_reference_grid_is_that_of_lesions_else_pet_else_ct(roles, edge):
    case = Case("A", "A", {}, {role: CASE.volumes[role] for role in roles})
    assert case.reference_geometry().shape == (edge, 1, 1)


def test_no_reference_grid_without_these():
    with pytest.raises(MissingNeedError, match="'lesions'"):
        Case("A", "A", {}, {"organs": mask(3)}).reference_geometry()
