"""Random rotations: angles between vectors stay as they are, and no single number of them means anything any more."""

from __future__ import annotations

import secrets

import numpy as np

from faceagent.gallery.records import Vector


def orthogonal(dimensions: int) -> Vector:
    """A random orthogonal matrix, every one as likely as any other: float32 [D, D]. Source: Mezzadri 2007,
    arXiv:math-ph/0609050 (QR with the signs of R's diagonal), from the operating system's randomness."""
    # PCG64 seeded with 256 bits. Whoever needs the matrix again keeps it: another version may draw other numbers.
    normal = np.random.default_rng(secrets.randbits(256)).standard_normal((dimensions, dimensions))
    q, r = np.linalg.qr(normal)
    turn: Vector = (q * np.sign(np.diag(r))).astype(np.float32)
    return turn
