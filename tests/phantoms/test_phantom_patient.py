import numpy as np
import pytest

from oncohort.errors import InputError
from oncohort.phantoms import PhantomPatient, phantom_patient
from oncohort.phantoms.lesions import GAP_MM
from oncohort.phantoms.tissues import Tissue
from oncohort.units import Unit


def test_the_same_arguments_give_the_same_patient(patient: PhantomPatient):
    again = phantom_patient(11, lesions=9)
    assert np.array_equal(again.pet.array, patient.pet.array)
    assert np.array_equal(again.ct.array, patient.ct.array)
    assert again.truth == patient.truth
    assert repr(patient) == "phantom_patient(11, lesions=9)"


def test_another_seed_gives_another_patient_and_fewer_lesions_the_same_anatomy(patient: PhantomPatient):
    other, fewer = phantom_patient(12, lesions=9), phantom_patient(11, lesions=0)
    assert not np.array_equal(other.ct.array, patient.ct.array)
    assert other.weight_kg != patient.weight_kg == fewer.weight_kg
    assert fewer.truth == () and not fewer.lesions.foreground().any()
    differing = fewer.organs.layers[0].array != patient.organs.layers[0].array
    assert np.array_equal(differing, patient.organs.mask("lesion"))


def test_the_seed_decides_the_number_of_lesions_if_nobody_else_does():
    counts = {len(phantom_patient(seed).truth) for seed in (1, 2, 3)}
    assert len(counts) > 1
    assert all(0 <= count <= 20 for count in counts)


@pytest.mark.parametrize("lesions", [-1, 21])
def test_an_impossible_number_of_lesions_is_refused(lesions: int):
    with pytest.raises(InputError, match="0 to 20 lesions"):
        phantom_patient(1, lesions=lesions)


def test_grids_units_and_their_common_field_of_view(patient: PhantomPatient):
    assert (patient.ct.unit, patient.pet.unit, patient.ct_on_pet.unit) == (Unit.HU, Unit.SUVBW, Unit.HU)
    ct, pet = patient.ct.geometry, patient.pet.geometry
    assert ct.spacing_mm == (2, 2, 2) and pet.spacing_mm == (4, 4, 4)
    assert ct.orientation == pet.orientation == "LPS"
    corners = [grid.to_mm([(-0.5, -0.5, -0.5), np.array(grid.shape) - 0.5]) for grid in (ct, pet)]
    assert np.allclose(corners[0], corners[1])
    assert patient.ct.array.dtype == np.int16 and patient.pet.array.dtype == np.float32


def test_ct_on_the_pet_grid_is_the_mean_of_eight_voxels(patient: PhantomPatient):
    block = patient.ct.array[100:102, 60:62, 200:202]
    assert patient.ct_on_pet.array[50, 30, 100] == pytest.approx(block.mean(), abs=0.51)


@pytest.mark.parametrize(
    ("organ", "hu", "suv"),
    [
        ("lung", (-830, -760), (0.2, 0.8)),
        ("liver", (45, 75), (1.3, 3.0)),
        ("muscle", (35, 65), (0.3, 1.1)),
        ("fat", (-115, -85), (0.1, 0.6)),
        ("brain", (25, 50), (5.0, 12.0)),
        ("bladder", (-5, 25), (5.0, 30.0)),
        ("spleen", (40, 70), (1.1, 2.6)),
        ("marrow", (180, 420), (0.6, 2.2)),
    ],
)
def test_organs_look_as_they_do_in_people(patient: PhantomPatient, organ: str, hu, suv):
    mask = patient.organs.mask(organ)
    on_pet = mask.reshape(84, 2, 54, 2, 208, 2).all(axis=(1, 3, 5))
    assert hu[0] < np.median(patient.ct.array[mask]) < hu[1]
    assert suv[0] < np.median(patient.pet.array[on_pet]) < suv[1]


def test_organs_lie_where_they_do_in_people(patient: PhantomPatient):
    def centre(organ: str) -> np.ndarray:
        return patient.ct.geometry.to_mm(np.argwhere(patient.organs.mask(organ))).mean(axis=0)

    assert centre("liver")[0] > 20 and centre("spleen")[0] < -40 and centre("heart")[0] < -5
    assert centre("bladder")[2] < centre("kidney")[2] < centre("liver")[2] < centre("heart")[2] < centre("brain")[2]
    assert centre("marrow")[1] < centre("liver")[1]


def test_organs_have_plausible_volumes(patient: PhantomPatient):
    ml = {name: patient.organs.mask(name).sum() * 0.008 for name in ("lung", "liver", "brain", "bladder", "kidney")}
    assert 1500 < ml["lung"] < 4500 and 500 < ml["liver"] < 1500 and 300 < ml["brain"] < 1200
    assert 30 < ml["bladder"] < 250 and 80 < ml["kidney"] < 350


def test_air_surrounds_the_body(patient: PhantomPatient):
    air = patient.ct.array[:, 0, :]
    assert air.max() < -900 and patient.pet.array[:, 0, :].max() < 0.5
    assert patient.pet.array.min() >= 0


def test_masks_hold_the_voxels_whose_centres_lie_in_an_ellipsoid(patient: PhantomPatient):
    grid = patient.pet.geometry
    where = grid.to_mm(np.argwhere(np.ones(grid.shape, bool)))
    expected = np.zeros(len(where), bool)
    for lesion in patient.truth:
        body = (((where - lesion.centre_mm) / lesion.radii_mm) ** 2).sum(axis=1) <= 1
        assert lesion.mask_ml == pytest.approx(body.sum() * 0.064)
        assert lesion.volume_ml == pytest.approx(4 / 3 * np.pi * np.prod(lesion.radii_mm) / 1000, abs=1e-6)
        assert lesion.suv_max == pytest.approx(patient.pet.array.reshape(-1)[body].max(), abs=1e-4)
        expected |= body
    assert np.array_equal(expected.reshape(grid.shape), patient.lesions.mask("lesion"))


def test_lesions_are_apart_and_as_hot_as_the_blur_lets_them(patient: PhantomPatient):
    assert [lesion.lesion for lesion in patient.truth] == list(range(1, 10))
    for one in patient.truth:
        assert 0.35 * one.suv < one.suv_max < 1.45 * one.suv
        for other in patient.truth:
            distance = np.linalg.norm(np.subtract(one.centre_mm, other.centre_mm))
            assert one is other or distance > max(one.radii_mm) + max(other.radii_mm) + GAP_MM
    assert patient.truth[0].row()["centre_mm"] == list(patient.truth[0].centre_mm)


def test_a_lesion_shows_in_the_ct(patient: PhantomPatient):
    in_lung = next(
        lesion for lesion in (*patient.truth, *phantom_patient(14, lesions=20).truth) if lesion.organ == "lung"
    )
    source = patient if in_lung in patient.truth else phantom_patient(14, lesions=20)
    i, j, k = np.rint(source.ct.geometry.to_index([in_lung.centre_mm])[0]).astype(int)
    assert np.median(source.ct.array[i - 1 : i + 2, j - 1 : j + 2, k - 1 : k + 2]) == pytest.approx(45, abs=15)
    assert source.organs.layers[0].array[i, j, k] == Tissue.LESION


def test_many_lesions_find_room_and_some_are_faint():
    patient = phantom_patient(5, lesions=20)
    assert len(patient.truth) == 20
    uptakes = [lesion.suv for lesion in patient.truth]
    assert min(uptakes) < 4 < 5 < max(uptakes) <= 22
    assert min(lesion.mask_ml for lesion in patient.truth) > 0
    assert len({lesion.organ for lesion in patient.truth}) >= 4


def test_psma_shows_the_same_body_with_other_uptake():
    fdg, psma = (phantom_patient(5, lesions=3, tracer=tracer) for tracer in ("FDG", "PSMA"))
    assert np.array_equal(fdg.ct.array, psma.ct.array)
    assert [lesion.centre_mm for lesion in fdg.truth] == [lesion.centre_mm for lesion in psma.truth]
    tissues = fdg.organs.layers[0].array[::2, ::2, ::2]
    kidney, brain = tissues == Tissue.KIDNEY, tissues == Tissue.BRAIN
    assert psma.pet.array[kidney].mean() > 5 * fdg.pet.array[kidney].mean()
    assert fdg.pet.array[brain].mean() > 5 * psma.pet.array[brain].mean()


def test_coarse_phantoms_fill_the_same_view():
    fine, coarse = phantom_patient(5, lesions=1), phantom_patient(5, lesions=1, voxel_mm=4.0)
    assert coarse.ct.geometry.spacing_mm == (4.0, 4.0, 4.0) and coarse.pet.geometry.spacing_mm == (8.0, 8.0, 8.0)
    assert [2 * edge for edge in coarse.ct.geometry.shape] == list(fine.ct.geometry.shape)
    liver = [(p.organs.layers[0].array == Tissue.LIVER).sum() * p.ct.geometry.voxel_ml for p in (fine, coarse)]
    assert liver[0] == pytest.approx(liver[1], rel=0.03)
    assert coarse.scale == fine.scale
