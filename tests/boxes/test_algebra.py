import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oncohort.boxes import (
    as_boxes,
    box_sizes,
    edges_mm,
    from_corners,
    hull,
    intersection_matrix,
    iou_matrix,
    to_corners,
)
from oncohort.errors import GeometryError
from oncohort.geometry import Geometry

RULES = ("inclusive", "half-open")


@st.composite
def box_arrays(draw, axes=None, least=0, reach=20):
    axes = axes or draw(st.sampled_from([2, 3]))
    number = draw(st.integers(least, 4))
    corners = draw(arrays(np.int64, (number, axes, 2), elements=st.integers(-reach, reach)))
    return np.sort(corners, axis=2).astype(float)


@st.composite
def two_box_arrays(draw, reach=20):
    axes = draw(st.sampled_from([2, 3]))
    return draw(box_arrays(axes=axes, reach=reach)), draw(box_arrays(axes=axes, reach=reach))


def painted(box, pixel_rule):
    """The pixels of a whole-numbered box as a set: the definition."""
    last = 1 if pixel_rule == "inclusive" else 0
    spans = [range(int(start), int(stop) + last) for start, stop in box]
    return set(itertools.product(*spans))


@pytest.mark.parametrize("pixel_rule", RULES)
@settings(deadline=None)
@given(boxes=two_box_arrays(reach=3))
def test_iou_is_that_of_the_painted_pixels(pixel_rule, boxes):
    reference, prediction = boxes
    found = iou_matrix(reference, prediction, pixel_rule=pixel_rule)
    assert found.shape == (len(reference), len(prediction))
    for row, one in enumerate(reference):
        for column, other in enumerate(prediction):
            first, second = painted(one, pixel_rule), painted(other, pixel_rule)
            union = len(first | second)
            assert found[row, column] == pytest.approx(len(first & second) / union if union else 0.0)


@pytest.mark.parametrize("pixel_rule", RULES)
@settings(deadline=None)
@given(boxes=two_box_arrays(), shift=st.integers(-9, 9))
def test_iou_is_symmetric_and_does_not_move(pixel_rule, boxes, shift):
    reference, prediction = boxes
    found = iou_matrix(reference, prediction, pixel_rule=pixel_rule)
    assert np.array_equal(found, iou_matrix(prediction, reference, pixel_rule=pixel_rule).T)
    assert np.array_equal(found, iou_matrix(reference + shift, prediction + shift, pixel_rule=pixel_rule))
    assert (found >= 0).all() and (found <= 1).all()


@settings(deadline=None)
@given(boxes=two_box_arrays())
def test_inclusive_is_half_open_with_one_more_pixel(boxes):
    more = [table + np.array([0.0, 1.0]) for table in boxes]
    assert np.array_equal(iou_matrix(*boxes, pixel_rule="inclusive"), iou_matrix(*more, pixel_rule="half-open"))
    assert np.array_equal(box_sizes(boxes[0], pixel_rule="inclusive"), box_sizes(more[0], pixel_rule="half-open"))


@settings(deadline=None)
@given(boxes=box_arrays(least=1))
def test_the_hull_holds_every_box(boxes):
    outer = hull(boxes)
    assert (outer[:, 0] <= boxes[..., 0]).all() and (outer[:, 1] >= boxes[..., 1]).all()
    shared = intersection_matrix([outer], boxes, pixel_rule="inclusive")[0]
    assert np.array_equal(shared, box_sizes(boxes, pixel_rule="inclusive"))


@pytest.mark.parametrize("pixel_rule", RULES)
@pytest.mark.parametrize("pixel_base", [0, 1])
@settings(deadline=None)
@given(boxes=box_arrays())
def test_corners_come_back(pixel_rule, pixel_base, boxes):
    corners = to_corners(boxes, pixel_rule=pixel_rule, pixel_base=pixel_base)
    grown = boxes[..., 1] - boxes[..., 0] >= 1 if pixel_rule == "inclusive" else np.ones(boxes.shape[:2], bool)
    keep = grown.all(axis=1)
    assert np.array_equal(from_corners(corners[keep], pixel_rule=pixel_rule, pixel_base=pixel_base), boxes[keep])


def test_pascal_voc_counts_from_one_and_includes_the_last_pixel():
    found = from_corners([[1, 1, 512, 512]], pixel_rule="inclusive", pixel_base=1)
    assert found.tolist() == [[[0, 512], [0, 512]]]


def test_six_corners_are_three_axes():
    found = from_corners([[1, 2, 3, 4, 5, 6]], pixel_rule="half-open", pixel_base=0)
    assert found.tolist() == [[[1, 4], [2, 5], [3, 6]]]


def test_a_box_without_content_shares_nothing():
    empty = [[[3, 3], [0, 5]]]
    assert iou_matrix(empty, empty, pixel_rule="half-open").tolist() == [[0.0]]
    assert iou_matrix(empty, empty, pixel_rule="inclusive").tolist() == [[1.0]]


def test_no_boxes_give_an_empty_matrix():
    assert iou_matrix([], [[[0, 1], [0, 1], [0, 1]]], pixel_rule="half-open").shape == (0, 1)


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([[0, 1, 2, 3]], "shape"),
        ([[[0, 1]]], "shape"),
        ([[[0, np.nan], [0, 1]]], "finite"),
        ([[[0, 1], [0, 1]], [[0, 1], [4, 3]]], r"box 1"),
    ],
)
def test_what_is_no_box_is_refused(boxes, message):
    with pytest.raises(ValueError, match=message):
        as_boxes(boxes)


def test_refuses_an_unknown_rule_and_mixed_dimensions():
    flat, deep = [[[0, 1], [0, 1]]], [[[0, 1], [0, 1], [0, 1]]]
    with pytest.raises(ValueError, match="exclusive"):
        iou_matrix(flat, flat, pixel_rule="exclusive")
    with pytest.raises(ValueError, match="same axes"):
        iou_matrix(flat, deep, pixel_rule="half-open")
    with pytest.raises(ValueError, match="at least one"):
        hull([])
    with pytest.raises(ValueError, match="corners"):
        from_corners([[1, 2, 3]], pixel_rule="inclusive", pixel_base=0)


def test_edges_in_mm_follow_flipped_and_permuted_axes():
    affine = np.array([[0, 0, 3.0, 10], [-2.0, 0, 0, 0], [0, 5.0, 0, 0], [0, 0, 0, 1]])
    found = edges_mm([[[0, 4], [1, 2], [0, 1]]], Geometry((9, 9, 9), affine))
    assert found.tolist() == [[[8.5, 11.5], [-7.0, 1.0], [2.5, 7.5]]]


@settings(deadline=None)
@given(box_arrays(axes=3, least=1))
def test_edges_in_mm_keep_volumes_and_iou(boxes):
    grid = Geometry((9, 9, 9), np.diag([-0.7, 0.8, 5.0, 1.0]))
    edges = edges_mm(boxes, grid)
    volumes = box_sizes(edges, pixel_rule="half-open")
    assert volumes == pytest.approx(box_sizes(boxes, pixel_rule="half-open") * grid.voxel_mm3)
    voxels = iou_matrix(boxes, boxes, pixel_rule="half-open")
    assert np.allclose(iou_matrix(edges, edges, pixel_rule="half-open"), voxels)


def test_an_oblique_grid_has_no_edges_along_the_axes():
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(0.1), -np.sin(0.1)], [np.sin(0.1), np.cos(0.1)]]
    with pytest.raises(GeometryError, match="along the axes of the patient"):
        edges_mm([[[0, 1], [0, 1], [0, 1]]], Geometry((3, 3, 3), affine))
