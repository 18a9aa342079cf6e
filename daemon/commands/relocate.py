"""``coverslip relocate``: a root's files are in another folder now."""

import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from catalog.relocating import KnownFile, files_to_look_for, relocate
from daemon.context import Context, with_context
from daemon.errors import Failed
from daemon.options import command as coverslip_command
from daemon.output import Output
from daemon.setup import locked
from daemon.values import ANY_PATH

if TYPE_CHECKING:
    from config.settings import Settings

#: So many files are looked for in the new folder, and so large a share of them must be there as they were.
LOOKED_FOR = 200
NEEDED_SHARE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class RelocateDocument:
    """What was done: the root's name before and now, its folder, and how many files were looked for and found."""

    root: str
    name: str
    path: str
    looked_for: int
    found: int


def show(document: RelocateDocument, output: Output) -> None:
    """Print what was done."""
    renamed = f", and is called {document.name} now" if document.name != document.root else ""
    output.line(f"{document.root} is at {document.path}{renamed}")
    output.line(f"{document.found} of {document.looked_for} known files were found there as they were")


@coverslip_command(
    "relocate", examples=("coverslip relocate confocal --to /mnt/disk2/confocal",), answers=RelocateDocument
)
@click.argument("root", metavar="ROOT")
@click.option("--to", "folder", required=True, metavar="DIR", type=ANY_PATH, help="Where its files are now.")
@with_context
def command(context: Context, root: str, folder: Path) -> None:
    """Tell that a root's files are in another folder now, after a disk was renamed.

    First stop the daemon and name the new folder in the configuration, as a root; when the root's name there is
    another one, the old root gets it. Some files are looked for in the new folder, by size and time, before anything
    is changed: images keep their ids, and nothing is imported again. (When the daemon has seen the new name already,
    `coverslip accept DIR` joins what it took in with what was there.)
    """
    acting = context.administrator()
    target = Path(os.path.abspath(folder))  # noqa: PTH100 - links stay what they are called
    name = _name_in_file(context.settings, target, root)
    with ExitStack() as ending:
        ending.callback(locked(context.catalogue, context.settings.state_dir, context.now()).release)
        with context.catalogue.reading() as connection:
            wanted = files_to_look_for(connection, acting, root, limit=LOOKED_FOR)
        found = sum(_is_there(target, file) for file in wanted)
        if not target.is_dir() or found < NEEDED_SHARE * len(wanted):
            raise Failed(
                f"{target} does not hold the files of {root}: {found} of {len(wanted)} known files are there as they"
                " were; nothing was changed"
            )
        identity = _identity(target, wanted)
        with context.catalogue.writing() as connection:
            relocate(
                connection,
                acting,
                root,
                to=os.fsencode(target),
                name=name,
                identity=identity,
                now=context.now(),
                via="cli",
            )
    document = RelocateDocument(root=root, name=name, path=str(target), looked_for=len(wanted), found=found)
    context.output.document(document, show)


def _name_in_file(settings: "Settings", target: Path, root: str) -> str:
    for watch in settings.watch:
        if watch.root == target:
            return watch.name
    raise Failed(
        f"no root of {settings.file} is {target}; write `root: {target}` there in the place of the old folder (with"
        f" `name: {root}`, to keep the name), then say this again"
    )


def _identity(folder: Path, known: "list[KnownFile]") -> dict[str, object]:
    """Give by what the folder is known from now on, so that the next pass takes it for the root."""
    from ingest.identity import SAMPLE_AT_MOST, identity_of
    from ingest.opening import opened_root

    path = os.fsencode(folder)
    with opened_root(path) as opened:
        return identity_of(opened, path, tuple(file.path for file in known[:SAMPLE_AT_MOST]))


def _is_there(folder: Path, file: KnownFile) -> bool:
    try:
        found = (folder / os.fsdecode(file.path)).lstat()
    except OSError:
        return False
    return (found.st_size, found.st_mtime_ns) == (file.size_bytes, file.mtime_ns)
