"""What one operation of arithmetic costs, from the literature: for estimates only, never shown as a measurement."""

from __future__ import annotations

from typing import Final

INTEGER_PJ: Final = 0.2 + 0.1
"""One multiply-accumulate of 8-bit integers: an 8-bit multiplication and a 32-bit addition."""
FLOAT_PJ: Final = 3.7 + 0.9
"""One multiply-accumulate of 32-bit floating point."""
SOURCE: Final = "M. Horowitz, Computing's energy problem, ISSCC 2014, pp. 10-14: 45 nm"
