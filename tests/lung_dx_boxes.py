"""The boxes of A0001 (two reconstructions), and makers of boxes."""

from __future__ import annotations

from oncohort.boxes import SliceBox, SliceStack, from_corners

PIXEL_MM = 0.841796875
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)

# Lung-PET-CT-Dx A0001, CC BY 4.0, doi 10.7937/TCIA.2020.NNC2-0461: z in mm: xmin, ymin, xmax, ymax
A0001 = {
    "sharp": {
        -234: (298, 298, 335, 374),
        -229: (290, 305, 338, 378),
        -224: (287, 300, 342, 379),
        -219: (282, 307, 355, 388),
        -214: (278, 308, 360, 394),
        -209: (281, 307, 357, 394),
        -204: (287, 315, 355, 387),
        -199: (286, 317, 354, 388),
        -194: (288, 313, 351, 380),
        -189: (287, 324, 354, 377),
        -184: (301, 329, 351, 372),
    },
    "soft": {
        -229: (304, 304, 337, 372),
        -224: (292, 301, 338, 379),
        -219: (287, 313, 349, 385),
        -214: (290, 315, 359, 393),
        -209: (286, 310, 355, 402),
        -204: (289, 317, 353, 391),
        -199: (285, 319, 355, 389),
        -194: (293, 318, 348, 384),
        -189: (296, 331, 351, 382),
    },
}


def stack(series, *, pixel_mm=PIXEL_MM, step_mm=5.0, frame="frame", directions=AXIAL):
    return SliceStack(series, frame, directions, (-200.0, -200.0), (pixel_mm, pixel_mm), step_mm)


def slice_box(series, position, corners, *, pixel_rule="half-open", class_name="A", reader="r"):
    (i, j) = from_corners([corners], pixel_rule=pixel_rule, pixel_base=0)[0].tolist()
    return SliceBox(series, f"{series}{position}", float(position), (tuple(i), tuple(j)), class_name, reader)


def a0001(pixel_rule):
    """The slice boxes of A0001 by a pixel rule, and the stacks of its two series."""
    drawn = [
        slice_box(series, position, corners, pixel_rule=pixel_rule)
        for series, slices in A0001.items()
        for position, corners in slices.items()
    ]
    return drawn, {series: stack(series) for series in A0001}
