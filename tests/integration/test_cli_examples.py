"""Every example of every command's help is understood by the program as it stands there."""

import shlex
from collections.abc import Iterator

import click
import pytest

from daemon.cli import COMMANDS, program
from daemon.options import CoverslipCommand, CoverslipGroup, load


def _all(command: click.Command) -> Iterator[CoverslipCommand | CoverslipGroup]:
    assert isinstance(command, CoverslipCommand | CoverslipGroup)
    yield command
    if isinstance(command, CoverslipGroup):
        for child in command.commands.values():
            yield from _all(child)


def _examples() -> list[str]:
    commands = [program, *(one for entry in COMMANDS.values() for one in _all(load(entry)))]
    return list(dict.fromkeys(example for command in commands for example in command.examples))


def _parse(command: click.Command, name: str, arguments: list[str], parent: click.Context | None) -> None:
    with command.make_context(name, arguments, parent=parent) as context:
        if isinstance(command, click.Group):
            rest = [*context._protected_args, *context.args]
            child_name, child, child_arguments = command.resolve_command(context, rest)
            assert child is not None
            assert child_name is not None
            _parse(child, child_name, child_arguments, context)


@pytest.mark.parametrize("example", _examples())
def test_an_example_is_understood(example: str) -> None:
    for part in example.split(" | "):
        words = shlex.split(part.split(" > ")[0], comments=True)
        if words[0] == "coverslip":
            _parse(program, "coverslip", words[1:], None)


def test_every_command_has_an_example() -> None:
    for entry in COMMANDS.values():
        for command in _all(load(entry)):
            assert command.examples, command.name
