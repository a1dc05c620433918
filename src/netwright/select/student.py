"""Points of the normal and of Student's distribution, beyond which 5 % lie on both sides together."""

from __future__ import annotations

NORMAL = 1.959964
FEW = (12.706205, 4.302653)  # Student's with one and two degrees of freedom


def student(freedom: int) -> float:
    """Return Student's 97.5 % point, from three degrees on by the series of Abramowitz & Stegun (26.7.5)."""
    if freedom <= len(FEW):
        return FEW[freedom - 1]
    z = NORMAL
    first = (z**3 + z) / (4 * freedom)
    second = (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    return z + first + second + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
