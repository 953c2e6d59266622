"""Plane geometry: affine maps between an image as stored, as shown, scaled, rotated or cropped.

All coordinates are continuous pixels (x to the right, y down) with the origin at the top-left corner of the
top-left pixel, so a pixel centre is at (i + 0.5, j + 0.5) and scaling is a plain multiplication.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

Point = tuple[float, float]


def whole_pixels(length: float) -> int:
    """How many whole pixels a length has: 23 of 23.6, so that what is below a line is not said to reach it."""
    return math.floor(length)


@dataclass(frozen=True, slots=True)
class Affine:
    """The map (x, y) -> (a x + b y + c, d x + e y + f)."""

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 1.0
    f: float = 0.0

    @staticmethod
    def scaling(sx: float, sy: float | None = None) -> Affine:
        return Affine(a=sx, e=sx if sy is None else sy)

    @staticmethod
    def translation(dx: float, dy: float) -> Affine:
        return Affine(c=dx, f=dy)

    @staticmethod
    def rotation(degrees: float, about: Point = (0.0, 0.0)) -> Affine:
        """Rotate by `degrees`, clockwise as seen (y points down), about a point."""
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        turn = Affine(a=cos, b=-sin, d=sin, e=cos)
        return Affine.translation(-about[0], -about[1]).then(turn).then(Affine.translation(*about))

    @staticmethod
    def from_exif_orientation(orientation: int, width: int, height: int) -> Affine:
        """The map from stored pixels to upright pixels (EXIF 2.32, tag 0x0112).

        Args:
            orientation: 1-8; other values mean 1, as viewers treat them.
            width, height: size of the image as stored.
        """
        w, h = float(width), float(height)
        return {
            2: Affine(a=-1, c=w),
            3: Affine(a=-1, c=w, e=-1, f=h),
            4: Affine(e=-1, f=h),
            5: Affine(a=0, b=1, d=1, e=0),
            6: Affine(a=0, b=-1, c=h, d=1, e=0),
            7: Affine(a=0, b=-1, c=h, d=-1, e=0, f=w),
            8: Affine(a=0, b=1, d=-1, e=0, f=w),
        }.get(orientation, Affine())

    def then(self, after: Affine) -> Affine:
        """This map first, `after` second."""
        return Affine(
            a=after.a * self.a + after.b * self.d,
            b=after.a * self.b + after.b * self.e,
            c=after.a * self.c + after.b * self.f + after.c,
            d=after.d * self.a + after.e * self.d,
            e=after.d * self.b + after.e * self.e,
            f=after.d * self.c + after.e * self.f + after.f,
        )

    def inverse(self) -> Affine:
        """The map back.

        Raises:
            ZeroDivisionError: the map flattens the plane and has no inverse.
        """
        det = self.a * self.e - self.b * self.d
        a, b, d, e = self.e / det, -self.b / det, -self.d / det, self.a / det
        return Affine(a=a, b=b, c=-(a * self.c + b * self.f), d=d, e=e, f=-(d * self.c + e * self.f))

    def point(self, p: Point) -> Point:
        x, y = p
        return (self.a * x + self.b * y + self.c, self.d * x + self.e * y + self.f)

    def points(self, ps: Iterable[Point]) -> tuple[Point, ...]:
        return tuple(self.point(p) for p in ps)

    def rows(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """The 2x3 matrix, as OpenCV's warpAffine wants it (for pixel centres at integers see its docs)."""
        return ((self.a, self.b, self.c), (self.d, self.e, self.f))
