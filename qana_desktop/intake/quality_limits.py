"""Image quality limits set on 10140 dermoscopic images. Written by tests/benchmarks/derive_quality_limits.py."""

from typing import Final

SHARPNESS_NEEDED: Final = 15.68
"""one in a thousand genuine images is below"""
SHARPNESS_GOOD: Final = 19.22
"""one in a hundred genuine images is below"""
NOISE_ALLOWED: Final = 88.97
"""1.2 x the largest genuine value"""
LIGHT_NEEDED: Final = 40.40
"""0.4 x the smallest genuine value: most show light skin, and dark skin must not count as a dark image"""
LIGHT_GOOD: Final = 70.70
"""0.7 x the smallest genuine value, for the same reason"""
OVEREXPOSED_ALLOWED: Final = 34.86
"""1.2 x the largest genuine value"""
OVEREXPOSED_GOOD: Final = 1.00
"""one in two hundred is above, at least 1 %"""
CONTRAST_NEEDED: Final = 11.00
"""half the smallest genuine value"""
COLOUR_NEEDED: Final = 6.00
"""half the smallest genuine value"""
FOREIGN_ALLOWED: Final = 82.32
"""1.15 x the largest genuine value"""
HAIR_GOOD: Final = 9.88
"""one in fifty is above"""
MARKS_GOOD: Final = 18.77
"""one in a hundred is above, at least 1 %"""
FRAME_GOOD: Final = 6.49
"""one in a hundred is above"""
LESION_GOOD: Final = 20.83
"""one in two hundred is below"""
