"""Writes docs/suggest.md from trees, invented and real: ``python -m tests.helpers.suggest_table [--check]``."""

import sys
from collections.abc import Iterator
from pathlib import Path

from config.suggesting.proposal import Proposal
from config.suggesting.proposing import propose
from config.suggesting.written import percent
from tests.helpers.real_data import real_data
from tests.helpers.suggesting import bytes_of, differences, proposal_for, real_trees, templates
from tests.helpers.tree import Tree
from tests.helpers.trees import TREES

PAGE = Path(__file__).parents[2] / "docs" / "suggest.md"
_HEAD = "| tree | images | covered | rules | edits needed |\n|---|---:|---:|---|---|\n"
#: What stands above the tables is written by hand, and kept.
_FIRST = "## Trees as labs keep them\n"
_SECOND = "## Real trees\n"
_INVENTED = f"""{_FIRST}Invented, with what a person wants of single files (`tests/helpers/trees.py`); tests compare.

"""
_REAL = f"""
{_SECOND}Every tree of the collection of real files that the tests use. They are samples without people: whose
files they are is left to the accounts on disk (`owner: posix`) in nearly all of them.

"""
#: What was seen by eye: what the first guess gets wrong or leaves open.
_EDITS = {
    "real/mobie": "a stack of 27 planes is numbered without a letter: take the match that is offered beside the rule",
    "real/viv": "`packages` and `sites` are no people",
}


def page(folder: Path) -> str:
    """Give the page's text."""
    invented = "".join(_invented(tree) for tree in TREES)
    real = "".join(_real(name, files) for name, files in real_trees(folder).items())
    by_hand = PAGE.read_text(encoding="utf-8").partition(_FIRST)[0]
    return f"{by_hand}{_INVENTED}{_HEAD}{invented}{_REAL}{_HEAD}{real}"


def invented_part(text: str) -> str:
    """Give the part of a page that needs no real files."""
    return text.partition(_SECOND)[0]


def _invented(tree: Tree) -> str:
    proposal = proposal_for(tree)
    wrong = differences(proposal, tree.wanted)
    return _line(tree.name, proposal, "; ".join(wrong) or tree.edits or "none")


def _real(name: str, files: tuple[str, ...]) -> str:
    proposal = propose(bytes_of(files), root_name=name.rpartition("/")[2])
    if not proposal.images:
        return f"| `{name}` | 0 |  | no images | |\n"
    return _line(f"`{name}`", proposal, _EDITS.get(name, "none"))


def _line(name: str, proposal: Proposal, edits: str) -> str:
    rules = "<br>".join(_cells(templates(proposal)))
    covered = percent(proposal.covered, proposal.images)
    return f"| {name} | {proposal.images} | {covered} | {rules} | {edits} |\n"


def _cells(matches: list[str]) -> Iterator[str]:
    return (f"`{match.replace('|', chr(92) + '|')}`" for match in matches)


def main() -> int:
    """Write the page, or with --check say whether it is as it would be written."""
    folder = real_data()
    if folder is None:
        sys.stderr.write("the folder of real files is not there: set COVERSLIP_TEST_DATA to it\n")
        return 1
    written = page(folder)
    if "--check" in sys.argv:
        return 0 if PAGE.read_text(encoding="utf-8") == written else 1
    PAGE.write_text(written, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
