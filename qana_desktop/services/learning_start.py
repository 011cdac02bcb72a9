"""Starts the child that trains: on one thread, decided before the arithmetic is loaded.

Several threads of a linear-algebra library wait for each other by spinning. On a computer that does other work, or has
few cores, that takes many times as long as one thread, and the matrices here are small.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from qana_desktop.services.learning_child import Trainer

ONE_THREAD: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def make_trainer() -> Trainer:
    """Return the handler of the child's requests."""
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    from qana_desktop.services import learning_child

    return learning_child.make_trainer()
