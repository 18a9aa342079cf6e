"""Every command and option is documented, every example is valid, and the page is what the commands say."""

import shlex
from collections.abc import Iterator

import click
import pytest

from daemon.cli import COMMANDS, program, run
from daemon.options import CoverslipCommand, CoverslipGroup, load
from daemon.reference import PAGE, main, page


def all_commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    todo: list[tuple[tuple[str, ...], click.Command]] = [((name,), load(entry)) for name, entry in COMMANDS.items()]
    while todo:
        path, command = todo.pop()
        yield path, command
        if isinstance(command, click.Group):
            todo += [((*path, name), child) for name, child in command.commands.items()]


COMMANDS_BY_PATH = dict(all_commands())
PATHS = sorted(COMMANDS_BY_PATH)


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_every_command_says_what_it_does_and_gives_a_valid_example(path: tuple[str, ...]) -> None:
    command = COMMANDS_BY_PATH[path]
    assert command.help
    assert isinstance(command, CoverslipCommand | CoverslipGroup)
    assert command.examples
    for example in command.examples:
        words = shlex.split(example, comments=True)
        assert words[0] == "coverslip"
        end = next((i for i, word in enumerate(words) if word in {">", "|", "&&"}), len(words))
        parse(path, words[1:end])


def parse(path: tuple[str, ...], words: list[str]) -> None:
    """Parse a command line, running nothing; raises click's UsageError."""
    start = words.index(path[0])
    assert tuple(words[start : start + len(path)]) == path
    parent = program.make_context("coverslip", words[: start + 1])
    command = COMMANDS_BY_PATH[path]
    if not isinstance(command, click.Group):
        command.make_context(path[-1], words[start + len(path) :], parent=parent)


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_every_option_says_what_it_does(path: tuple[str, ...]) -> None:
    for parameter in COMMANDS_BY_PATH[path].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_every_command_has_help_with_its_example(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*path, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Usage: coverslip" in shown
    assert "Example" in shown


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_every_field_of_a_json_document_is_described(path: tuple[str, ...]) -> None:
    text = page()
    heading = f"# coverslip {' '.join(path)}\n"
    assert heading in text
    command = COMMANDS_BY_PATH[path]
    if isinstance(command, CoverslipCommand) and command.answers is not None:
        section = text.split(heading, 1)[1].split("\n#", 1)[0]
        assert "`{" in section or "`[{" in section


def test_the_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"
    assert main(["--check"]) == 0
