"""Boxes of lung_pet_ct_dx.md, section 5, vector 1."""

from __future__ import annotations

# rafaelpadilla/review_object_detection_metrics (MIT), its seven sample images: image: x y w h
REFERENCE = """
1: 25 16 38 56; 129 123 41 62. 2: 123 11 43 55; 38 132 59 45. 3: 16 14 35 48; 123 30 49 44; 99 139 47 47.
4: 53 42 40 52; 154 43 31 34. 5: 59 31 44 51; 48 128 34 52. 6: 36 89 52 76; 62 58 44 67. 7: 28 31 55 63; 58 67 50 58.
"""
PREDICTION = """
1: .88 5 67 31 48; .70 119 111 40 67; .80 124 9 49 67. 2: .71 64 111 64 58; .54 26 140 60 47; .74 19 18 43 35.
3: .18 109 15 77 39; .67 86 63 46 45; .38 160 62 36 53; .91 105 131 47 47; .44 18 148 40 44.
4: .35 83 28 28 26; .78 28 68 42 67; .45 87 89 25 39; .14 10 155 60 26.
5: .62 50 38 28 46; .44 95 11 53 28; .95 29 131 72 29; .23 29 163 72 29.
6: .45 43 48 74 38; .84 17 155 29 35; .43 95 110 25 42. 7: .48 16 20 101 88; .95 33 116 37 49.
"""


def parse(text):
    """Rows (image from 0, numbers...)."""
    for image in filter(None, text.strip().replace("\n", " ").removesuffix(".").split(". ")):
        number, boxes = image.split(":")
        for box in boxes.split(";"):
            yield (int(number) - 1, *map(float, box.split()))
