"""Where the catalogue is by a configuration that is wrong: only what surely stands in the file counts."""

from pathlib import Path

import pytest

from config.place import place_only
from tests.helpers.configurations import write

POSTGRESQL = "postgresql+psycopg://lab@host/db"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("state_dir: state\nwacth: []\n", "sqlite:///catalog.db"),
        ("watch:\n  - root: [a\nstate_dir: 'state'  # here\nusers: }", "sqlite:///catalog.db"),
        ("catalog:\n  # on the server\n\n  url: postgresql+psycopg://lab@host/db\nx: {\nstate_dir: state", POSTGRESQL),
        ("include: gone.yaml\nstate_dir: state\ncatalog: {url: 'postgresql+psycopg://lab@host/db'}\n", POSTGRESQL),
        ("state_dir: state\r\ncatalog:\r\n  url: postgresql+psycopg://lab@host/db\r\n[\r\n", POSTGRESQL),
        ("users: {\nstate_dir: state\nlookups: {a: {state_dir: b}}\n", "sqlite:///catalog.db"),
    ],
    ids=["key", "yaml", "catalog", "include", "crlf", "inner"],
)
def test_it_is_found_beside_what_is_wrong(tmp_path: Path, text: str, url: str) -> None:
    found = place_only(write(tmp_path, text))
    assert found is not None
    assert (found.state_dir, found.catalog.url, found.watch) == (tmp_path / "state", url, ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "workers: 2\n",
        "state_dri: state\n",
        "state_dir:\n",
        "state_dir: {a: b}\n",
        "state_dir: a\nstate_dir: b\n",
        "state_dir: state\ncatlog: {url: x}\n",
        "state_dir: state\ninclude: rules.d/*.yaml\n",
        "state_dir: state\ncatalog: {url: 'mysql://x'}\n",
        "state_dir: state\ncatalog: {url: 'postgresql+psycopg://lab:secret@host/db'}\n",
        "state_dir: state\ncatalog: [\n",
        "watch:\n  state_dir: state\n",
    ],
)
def test_what_does_not_surely_say_it_gives_none(tmp_path: Path, text: str) -> None:
    assert place_only(write(tmp_path, text)) is None


def test_a_file_that_everybody_may_write_says_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, "state_dir: state\n")
    assert place_only(path) is not None
    path.chmod(0o666)
    assert place_only(path) is None
