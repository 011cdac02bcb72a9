"""What a person reads when an engine's process failed: what happened, what it means for the image, what to do."""

from __future__ import annotations

from typing import Final

from qana_desktop.system.faults import Fault
from qana_desktop.system.language import N_, _

_RESTART: Final = N_("Start the engine again, or choose another one.")


def died(exit_code: int | None) -> Fault:
    """The process ended in the middle of a batch."""
    how = "" if exit_code is None else _(" (exit code {exit_code})").format(exit_code=exit_code)
    return Fault("device-lost", _("The engine stopped{how}. The image was not assessed.").format(how=how), _RESTART)


def died_idle() -> Fault:
    """The process ended while nothing was asked of it."""
    return Fault(
        "device-lost", _("The engine stopped between two images."), _("It is started again with the next image.")
    )


def too_many_restarts(count: int) -> Fault:
    """The process was started again as often as it may be without a person."""
    return Fault(
        "device-lost",
        _("The engine stopped again after {count} restarts. The image was not assessed.").format(count=count),
        _("Look at the device and its cable. {restart}").format(restart=_RESTART),
    )


def timed_out() -> Fault:
    """No answer within the limit."""
    return Fault(
        "engine-timeout",
        _("The engine did not answer in time and was stopped. The image was not assessed."),
        _("Look at the device and its cable. {restart}").format(restart=_RESTART),
    )


def closed() -> Fault:
    """The engine was closed while, or before, something was asked of it."""
    return Fault("device-lost", _("The engine was closed. The image was not assessed."), _("Choose an engine."))


def garbled() -> Fault:
    """The process returned something that no engine of this bundle can return."""
    return Fault(
        "device-lost",
        _("The engine returned something that is no answer and was stopped. The image was not assessed."),
        _("{restart} If it happens again, report it.").format(restart=_RESTART),
    )


def bug() -> Fault:
    """The process raised something that nobody foresaw."""
    return Fault(
        "device-lost",
        _("The engine failed in a way that nobody foresaw. The image was not assessed."),
        _("{restart} Send the crash report.").format(restart=_RESTART),
    )


def out_of_memory() -> Fault:
    """The batch needed more memory than there is."""
    return Fault(
        "engine-memory",
        _("The engine had too little memory for these images. They were not assessed."),
        _("Close other programs, or give it fewer images at a time."),
    )


def refused(cause: Fault) -> Fault:
    """The bundle could not be opened in the child."""
    return Fault(
        "model-refused",
        _("The engine cannot use this version of the network. {message}").format(message=cause.message),
        cause.remedy,
    )
