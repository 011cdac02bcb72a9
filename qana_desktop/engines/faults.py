"""What a person reads when an engine's process failed: what happened, what it means for the image, what to do."""

from __future__ import annotations

from typing import Final

from qana_desktop.system.faults import Fault

_RESTART: Final = "Start the engine again, or choose another one."


def died(exit_code: int | None) -> Fault:
    """The process ended in the middle of a batch."""
    how = "" if exit_code is None else f" (exit code {exit_code})"
    return Fault("device-lost", f"The engine stopped{how}. The image was not assessed.", _RESTART)


def died_idle() -> Fault:
    """The process ended while nothing was asked of it."""
    return Fault("device-lost", "The engine stopped between two images.", "It is started again with the next image.")


def too_many_restarts(count: int) -> Fault:
    """The process was started again as often as it may be without a person."""
    return Fault(
        "device-lost",
        f"The engine stopped again after {count} restarts. The image was not assessed.",
        f"Look at the device and its cable. {_RESTART}",
    )


def timed_out() -> Fault:
    """No answer within the limit."""
    return Fault(
        "engine-timeout",
        "The engine did not answer in time and was stopped. The image was not assessed.",
        f"Look at the device and its cable. {_RESTART}",
    )


def closed() -> Fault:
    """The engine was closed while, or before, something was asked of it."""
    return Fault("device-lost", "The engine was closed. The image was not assessed.", "Choose an engine.")


def garbled() -> Fault:
    """The process returned something that no engine of this bundle can return."""
    return Fault(
        "device-lost",
        "The engine returned something that is no answer and was stopped. The image was not assessed.",
        f"{_RESTART} If it happens again, report it.",
    )


def bug() -> Fault:
    """The process raised something that nobody foresaw."""
    return Fault(
        "device-lost",
        "The engine failed in a way that nobody foresaw. The image was not assessed.",
        f"{_RESTART} Send the crash report.",
    )


def out_of_memory() -> Fault:
    """The batch needed more memory than there is."""
    return Fault(
        "engine-memory",
        "The engine had too little memory for these images. They were not assessed.",
        "Close other programs, or give it fewer images at a time.",
    )


def refused(cause: Fault) -> Fault:
    """The bundle could not be opened in the child."""
    return Fault("model-refused", f"The engine cannot use this version of the network. {cause.message}", cause.remedy)
