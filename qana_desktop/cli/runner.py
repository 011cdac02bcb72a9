"""Runs one command and turns every way in which it can end into an exit code and a sentence on stderr."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from typing import Final

import click
import typer

from qana_desktop.cli import exit_codes
from qana_desktop.cli.commands import app
from qana_desktop.cli.terminal import give_up_stdout, prepare_streams, tell, tell_fault
from qana_desktop.system.faults import KnownError

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})


def run(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code. Errors that nobody expected are raised."""
    prepare_streams()
    try:
        code = _invoke(list(arguments))
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        tell("Interrupted.")
        return exit_codes.INTERRUPTED
    except KnownError as error:
        tell_fault(error.fault)
        return code_of(error)
    except OSError as error:
        if not _pipe_closed(error) and error.errno not in _NO_ROOM:
            raise
        give_up_stdout()
        if _pipe_closed(error):
            return exit_codes.PIPE_CLOSED
        tell(f"The result could not be written in full: {error.strerror}. Make room, then run the command again.")
        return exit_codes.SOME_NOT
    return code if isinstance(code, int) else exit_codes.ALL_READ


def _invoke(arguments: list[str]) -> object:
    """What the command returned. Not by `main` of click, which leaves with 1 when a pipe is closed."""
    command = typer.main.get_command(app)
    try:
        with command.make_context("qana-desktop", arguments) as context:
            return command.invoke(context)
    except click.exceptions.Exit as ended:
        return ended.exit_code


def code_of(error: KnownError) -> int:
    """The exit code of a known error that ended a command."""
    from qana_desktop.engines.contract import EngineError
    from qana_desktop.network.manifest import BundleRefused
    from qana_desktop.services.composition import BundleUnfit
    from qana_desktop.system.resources import ResourcesMissing

    nothing_can_be_read = (EngineError, BundleRefused, BundleUnfit, ResourcesMissing)
    return exit_codes.NO_ENGINE if isinstance(error, nothing_can_be_read) else exit_codes.USAGE


def _pipe_closed(error: OSError) -> bool:
    """Windows reports a closed pipe as EINVAL."""
    return error.errno == errno.EPIPE or (sys.platform == "win32" and error.errno == errno.EINVAL)
