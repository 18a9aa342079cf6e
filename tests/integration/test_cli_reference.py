"""Every command and option is documented, every example is valid, and the page is what the commands say."""

import dataclasses
import shlex
import typing
from collections.abc import Iterator
from typing import Any

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
def test_whether_a_path_may_be_read_is_for_the_command_to_say(path: tuple[str, ...]) -> None:
    kinds = [one.type for one in COMMANDS_BY_PATH[path].params if isinstance(one.type, click.Path)]
    assert kinds, "each has --config at least"
    assert not any(kind.readable for kind in kinds)


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


#: What scripts rely on: keys of each command's JSON, and those inside them. They may grow, and never go.
KEYS: dict[str, str] = {
    "init": "config catalog roots",
    "check": "ok problems examples problems.file problems.line problems.column problems.key problems.message"
    " problems.hint examples.passed examples.failed",
    "explain": "path root outcome rule placement owner group image reason tried tried.rule tried.stopped_at"
    " tried.message",
    "plan": "summary add move change missing unmatched held",
    "apply": "summary add move change missing unmatched held done",
    "import": "scanned imported updated unchanged held unmatched failed seconds bytes",
    "status": "state roots counts reasons config roots.name roots.path roots.available roots.events roots.watched"
    " roots.unwatched roots.last_scan_at roots.overflow_count config.version config.problem",
    "why": "path state reason rule image_ids history",
    "queue": "path state reason",
    "retry": "path done reason",
    "assign": "path done reason",
    "accept": "path done reason",
    "tree": "id type name owner group images children",
    "images": "id name description owner group project dataset screen plate run well field acquired_at imported_at"
    " sizes sizes.x sizes.y sizes.z sizes.c sizes.t pixels_type physical_size_um physical_size_um.x physical_size_um.y"
    " physical_size_um.z channels channels.name channels.color channels.emission_nm files files.root files.path"
    " files.size_bytes files.hash tags key_values rule owner_by state permissions permissions.can_annotate"
    " permissions.can_edit permissions.can_delete permissions.can_link",
    "thumbnail": "file width height",
    "contact-sheet": "file width height",
    "history": "at actor acting_as via what object before after",
    "tag ls": "id kind value owner",
    "kv ls": "id kind pairs owner",
    "comment ls": "id kind value owner",
    "user ls": "id name full_name email groups groups.group groups.is_owner groups.until",
    "group ls": "id name permissions members members.user members.is_owner",
    "admin ls": "id name",
    "root ls": "name path availability",
    "doctor": "ok checks",
    "version": "program python",
}


@pytest.mark.parametrize("name", KEYS)
def test_the_keys_that_scripts_rely_on_are_there(name: str) -> None:
    command = COMMANDS_BY_PATH[tuple(name.split())]
    assert isinstance(command, CoverslipCommand)
    assert set(KEYS[name].split()) <= keys_of(command.answers)


def keys_of(kind: Any, before: str = "") -> set[str]:
    """Give the keys of a document and of those inside it, dotted."""
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        return set().union(*(keys_of(inside, before) for inside in typing.get_args(kind)))
    hints = typing.get_type_hints(kind)
    found: set[str] = set()
    for one in dataclasses.fields(kind):
        name = before + str(one.metadata.get("json", one.name))
        found |= {name} | (keys_of(hints[one.name], f"{name}.") if name.count(".") < 2 else set())
    return found


def test_every_command_with_json_says_so() -> None:
    without = {" ".join(path) for path, found in COMMANDS_BY_PATH.items() if getattr(found, "answers", None) is None}
    groups = {" ".join(path) for path, found in COMMANDS_BY_PATH.items() if isinstance(found, click.Group)}
    assert without - groups == {"run", "completion"}


def test_the_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"
    assert main(["--check"]) == 0
