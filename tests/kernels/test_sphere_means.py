import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.kernels.sphere_means import _measure, measure_regions, sphere_offsets

RADIUS = 6.2035


def naive(regions, count, image, start, spacing, radius):
    """Every region straight from the definitions: distances to all voxels of the image."""
    image = image.astype(np.float64)
    centres = np.stack(np.meshgrid(*[np.arange(n) for n in image.shape], indexing="ij"), axis=-1) * spacing
    rows = []
    for region in range(1, count + 1):
        inside = [tuple(np.add(index, start)) for index in np.argwhere(regions == region)]
        values = [image[index] for index in inside]
        means = [
            image[((centres - np.multiply(index, spacing)) ** 2).sum(axis=-1) <= radius**2].mean() for index in inside
        ]
        rows.append((len(inside), math.fsum(values), max(values, default=-np.inf), max(means, default=-np.inf)))
    return rows


def found(regions, count, image, start, spacing, radius=RADIUS):
    result = measure_regions(regions, count, image, start=start, offsets=sphere_offsets(spacing, radius))
    return list(zip(*(column.tolist() for column in result), strict=True))


@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(*[st.integers(1, 7)] * 3),
    margins=st.tuples(*[st.integers(0, 3)] * 6),
    spacing=st.tuples(*[st.sampled_from([1.9, 2.5, 4.07, 6.5])] * 3),
    dtype=st.sampled_from(["<f4", ">f4", "<f8", ">i2", "u1", "f2"]),
    orders=st.tuples(st.sampled_from("CF"), st.sampled_from("CF")),
)
@settings(max_examples=60, deadline=None)
def test_it_is_the_definition(seed, shape, margins, spacing, dtype, orders):
    random = np.random.default_rng(seed)
    count = 3
    regions = np.asarray(random.integers(0, count + 1, shape), np.uint32, order=orders[0])
    full = tuple(n + a + b for n, a, b in zip(shape, margins[:3], margins[3:], strict=True))
    image = np.asarray(random.integers(0, 200, full), dtype, order=orders[1])
    result = found(regions, count, image, margins[:3], spacing)
    expected = naive(regions, count, image, margins[:3], spacing, RADIUS)
    np.testing.assert_allclose(result, expected, rtol=1e-13)


@pytest.mark.parametrize("step", [(1, 1, 1), (2, 1, 3), (-1, 2, -1)])
def test_views_and_parts_of_arrays_are_read_in_place(step):
    random = np.random.default_rng(1)
    image = random.random((20, 18, 21)).astype(np.float32)[tuple(slice(None, None, s) for s in step)]
    mask = random.random(image.shape) < 0.2
    spacing = (3.0, 4.0, 5.0)
    for turn in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        expected = found(
            np.ascontiguousarray(mask.transpose(turn)),
            1,
            np.ascontiguousarray(image.transpose(turn)),
            (0, 0, 0),
            spacing,
        )
        assert found(mask.transpose(turn), 1, image.transpose(turn), (0, 0, 0), spacing) == expected


def test_memory_order_changes_no_bit_of_the_answer():
    random = np.random.default_rng(2)
    image = random.lognormal(1, 1, (25, 24, 23)).astype(np.float32)
    mask = random.random(image.shape) < 0.3
    expected = found(mask, 1, image, (0, 0, 0), (4.0, 4.0, 3.0))
    for a in "CF":
        for b in "CF":
            turned = np.asarray(mask, order=a), np.asarray(image, order=b)
            assert found(turned[0], 1, turned[1], (0, 0, 0), (4.0, 4.0, 3.0)) == expected
            assert found(turned[0].astype(np.uint32), 1, turned[1], (0, 0, 0), (4.0, 4.0, 3.0)) == expected


def test_read_only_arrays_need_no_kernel_of_their_own():
    image = np.ones((5, 6, 7), np.float32)
    mask = np.ones((5, 6, 7), bool)
    expected = found(mask, 1, image, (0, 0, 0), (4.0, 4.0, 4.0))
    compiled = getattr(_measure, "signatures", None)  # None where the compiler is off
    for array in (image, mask):
        array.flags.writeable = False
        assert found(mask, 1, image, (0, 0, 0), (4.0, 4.0, 4.0)) == expected
        assert found(mask.transpose(), 1, image.transpose(), (0, 0, 0), (4.0, 4.0, 4.0)) == expected
    assert getattr(_measure, "signatures", None) == compiled
    assert image.flags.writeable is False


def test_sums_do_not_lose_small_voxels_beside_large_ones():
    image = np.array([1e16, 1.0, 1.0, -1e16]).reshape(1, 1, 4)
    assert found(np.ones((1, 1, 4), bool), 1, image, (0, 0, 0), (9.0, 9.0, 9.0))[0][1] == 2.0


def test_nan_stays_wherever_it_comes_in():
    for position in range(3):
        image = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3)
        image[0, 0, position] = np.nan
        _, total, top, peak = found(np.ones((1, 1, 3), bool), 1, image, (0, 0, 0), (9.0, 9.0, 9.0))[0]
        assert math.isnan(total)
        assert math.isnan(top)
        assert math.isnan(peak)


def test_a_sphere_at_the_border_averages_what_the_image_has():
    image = np.zeros((3, 3, 3))
    image[0, 0, 0] = 8.0
    corner = np.zeros((3, 3, 3), bool)
    corner[0, 0, 0] = True
    # 19 voxels within 1.5 voxel widths, 7 of them inside: the corner, 3 by a face, 3 by an edge
    assert found(corner, 1, image, (0, 0, 0), (4.0, 4.0, 4.0))[0][3] == 8.0 / 7.0


def test_a_sphere_reaches_out_of_the_part_that_holds_the_regions():
    image = np.zeros((9, 9, 9))
    image[4, 4, 5] = 19.0
    assert found(np.ones((1, 1, 1), bool), 1, image, (4, 4, 4), (4.0, 4.0, 4.0)) == [(1, 0.0, 0.0, 1.0)]


def test_regions_without_voxels():
    image = np.ones((2, 2, 2), np.float32)
    assert found(np.zeros((2, 2, 2), bool), 1, image, (0, 0, 0), (4.0, 4.0, 4.0)) == [(0, 0.0, -np.inf, -np.inf)]
    assert found(np.zeros((0, 2, 2), bool), 1, image, (0, 0, 0), (4.0, 4.0, 4.0)) == [(0, 0.0, -np.inf, -np.inf)]
    assert found(np.zeros((2, 2, 2), np.uint32), 0, image, (0, 0, 0), (4.0, 4.0, 4.0)) == []


def test_bad_input_is_refused():
    image = np.ones((4, 4, 4), np.float32)
    offsets = sphere_offsets((4.0, 4.0, 4.0), RADIUS)
    with pytest.raises(ValueError, match="within the image"):
        measure_regions(np.ones((3, 1, 1), bool), 1, image, start=(2, 0, 0), offsets=offsets)
    with pytest.raises(ValueError, match="within the image"):
        measure_regions(np.ones((3, 1, 1), bool), 1, image, start=(-1, 0, 0), offsets=offsets)
    with pytest.raises(ValueError, match="numbered 1 to 2, got 7"):
        measure_regions(np.full((4, 4, 4), 7, np.uint32), 2, image, start=(0, 0, 0), offsets=offsets)
    with pytest.raises(TypeError, match="bool, uint8 or uint32"):
        measure_regions(np.ones((4, 4, 4), np.int16), 1, image, start=(0, 0, 0), offsets=offsets)
    with pytest.raises(TypeError, match="real numbers"):
        measure_regions(np.ones((4, 4, 4), bool), 1, image.astype(complex), start=(0, 0, 0), offsets=offsets)
    for spacing in [(0.0, 1.0, 1.0), (1.0, -1.0, 1.0), (1.0, 1.0), (1.0, float("nan"), 1.0)]:
        with pytest.raises(ValueError, match="positive spacings"):
            sphere_offsets(spacing, RADIUS)


def test_offsets_are_all_voxels_within_the_radius():
    offsets = sphere_offsets((2.0, 3.0, 5.0), 6.2035)
    expected = {
        (i, j, k)
        for i in range(-9, 10)
        for j in range(-9, 10)
        for k in range(-9, 10)
        if math.dist((0, 0, 0), (2 * i, 3 * j, 5 * k)) <= 6.2035
    }
    assert {tuple(offset) for offset in offsets.tolist()} == expected
    assert len(offsets) == len(expected)


def test_it_gives_the_same_without_the_compiler():
    code = (
        "import numpy as np\n"
        "from oncohort.kernels.sphere_means import measure_regions, sphere_offsets\n"
        "r = np.random.default_rng(0)\n"
        "image = r.random((9, 8, 11)).astype(np.float32)\n"
        "regions = (r.random((5, 6, 7)) < .5).astype(np.uint32) * r.integers(1, 4, (5, 6, 7)).astype(np.uint32)\n"
        "v = measure_regions(regions, 3, image, start=(1, 2, 3), offsets=sphere_offsets((4., 4., 3.), 6.2035))\n"
        "print([x.tolist() for x in v])\n"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            env={**os.environ, "NUMBA_DISABLE_JIT": off},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for off in "01"
    ]
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) > 50
