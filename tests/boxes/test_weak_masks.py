import dataclasses

import numpy as np
import pytest

from oncohort.boxes import LUNG_TISSUE, weak_mask

LUNG, TISSUE = -900.0, 40.0
BARE = dataclasses.replace(LUNG_TISSUE, opening=0)


def lung(*blocks, shape=(20, 20, 6)):
    image = np.full(shape, LUNG)
    for block in blocks:
        image[block] = TISSUE
    return image


def spans(box, slices):
    return np.array([box] * len(slices), float), slices


def test_a_ball_of_tissue_comes_back_and_nothing_beyond_its_box():
    i, j = np.mgrid[:20, :20]
    disk = (i - 9) ** 2 + (j - 9) ** 2 <= 25
    image = np.where(disk[..., None], TISSUE, np.full((20, 20, 6), LUNG))
    found = weak_mask(image, *spans([[4, 15], [4, 15]], [1, 2, 3]), settings=LUNG_TISSUE)
    assert found.mask[:, :, [0, 4, 5]].sum() == 0
    assert (found.mask[:, :, 2] <= disk).all()
    assert found.mask[:, :, 2].sum() >= disk.sum() - 4  # the four tips of a disk do not survive the opening
    assert found.empty.size == 0


def test_the_threshold_itself_is_not_tissue():
    image = np.full((6, 6, 1), -750.0)
    image[:3] = -749.0
    found = weak_mask(image, [[[0, 6], [0, 6]]], [0], settings=BARE)
    assert found.mask[:, :, 0].sum(axis=1).tolist() == [6, 6, 6, 0, 0, 0]


def test_opening_cuts_a_vessel_off_and_the_largest_piece_stays():
    vessel = (slice(6, 15), slice(2, 3), slice(0, 1))
    image = lung((slice(2, 7), slice(2, 7), slice(0, 1)), vessel, (slice(15, 18), slice(2, 8), slice(0, 1)))
    box = [[[0, 20], [0, 20]]]
    opened = weak_mask(image, box, [0], settings=LUNG_TISSUE).mask[:, :, 0]
    plain = weak_mask(image, box, [0], settings=BARE).mask[:, :, 0]
    assert np.flatnonzero(opened.any(axis=1)).tolist() == [2, 3, 4, 5, 6]
    assert np.flatnonzero(plain.any(axis=1)).tolist() == list(range(2, 18))


def test_holes_are_filled_where_tissue_closes_round_them():
    image = lung((slice(2, 12), slice(2, 12), slice(0, 1)))
    image[5:8, 5:8, 0] = LUNG
    found = weak_mask(image, [[[0, 20], [0, 20]]], [0], settings=BARE)
    assert found.mask.sum() == 100
    open_side = weak_mask(image, [[[0, 20], [6, 20]]], [0], settings=BARE)
    assert open_side.mask[6, 6, 0] == 0


def test_small_pieces_of_the_volume_are_dropped():
    image = lung(
        (slice(2, 12), slice(2, 12), slice(0, 1)),
        (slice(2, 5), slice(2, 5), slice(2, 3)),
        (slice(15, 20), slice(15, 17), slice(4, 5)),
    )
    found = weak_mask(image, *spans([[0, 20], [0, 20]], [0, 2, 4]), settings=BARE)
    assert found.mask.sum(axis=(0, 1)).tolist() == [100, 0, 0, 0, 10, 0]  # 9 of 100 go, 10 of 100 stay


def test_the_connectivity_of_a_slice_is_a_setting():
    image = lung((slice(0, 3), slice(0, 3), 0), (slice(3, 6), slice(3, 6), 0), shape=(8, 8, 1))
    box = [[[0, 8], [0, 8]]]
    assert weak_mask(image, box, [0], settings=BARE).mask.sum() == 18
    assert weak_mask(image, box, [0], settings=dataclasses.replace(BARE, plane_connectivity=4)).mask.sum() == 9


def test_a_box_full_of_air_is_named():
    found = weak_mask(lung((slice(0, 9), slice(0, 9), 1)), *spans([[0, 9], [0, 9]], [0, 1]), settings=LUNG_TISSUE)
    assert found.empty.tolist() == [0]
    nothing = weak_mask(lung(), *spans([[0, 9], [0, 9]], [0, 1]), settings=LUNG_TISSUE)
    assert not nothing.mask.any()
    assert nothing.empty.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("box", "place"),
    [([[0, 21], [0, 3]], 0), ([[-1, 3], [0, 3]], 0), ([[0, 3], [0, 3]], 6), ([[0, 3], [0, 3]], -1)],
)
def test_boxes_outside_the_image_are_refused(box, place):
    with pytest.raises(ValueError, match="inside"):
        weak_mask(lung(), [box], [place], settings=LUNG_TISSUE)


def test_broken_pixels_are_refused():
    with pytest.raises(ValueError, match="whole pixels"):
        weak_mask(lung(), [[[0, 3.5], [0, 3]]], [0], settings=LUNG_TISSUE)
