"""The page of the command line names every command and every option of it: what a person can type, they can look up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer

from qana_desktop.cli.commands import app

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
ELSEWHERE = frozenset({"learn"})
"""Groups that have a page of their own, which this one names."""


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            if name not in ELSEWHERE:
                yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


ALL = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", ALL)
def test_a_command_and_its_options_are_on_the_page(name: str) -> None:
    assert name in PAGE
    for parameter in ALL[name].params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            forms = [*parameter.opts, *parameter.secondary_opts]
            assert any(form in PAGE for form in forms), f"{name} {forms}"


def test_what_is_told_elsewhere_is_named_here() -> None:
    for group in ELSEWHERE:
        assert f"`{group}`" in PAGE
