"""Proposals judged: what they give for files, and whether a configuration of them is right."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from config.check import CheckReport, check
from config.endings import without_ending
from config.path_text import text_path
from config.rule_values import RuleMatch, RuleSkip
from config.suggesting.measuring import compiled
from config.suggesting.people_in_names import KnownNames
from config.suggesting.proposal import Proposal
from config.suggesting.proposing import propose
from config.suggesting.written import written_rules
from tests.helpers.configurations import write
from tests.helpers.real_data import manifest
from tests.helpers.tree import Tree


def proposal_for(tree: Tree) -> Proposal:
    """Propose rules for an invented tree."""
    files = [text_path(file) for file in tree.files]
    return propose(files, root_name="data", known=KnownNames.of(tree.users, tree.groups))


def real_trees(folder: Path) -> dict[str, tuple[str, ...]]:
    """Give every tree of the real collection: its name, and the files in it as their owners keep them."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in manifest(folder):
        top, name, *rest = row["path"].split("/")
        found[f"{top}/{name}"].append("/".join(rest))
    return {name: tuple(files) for name, files in found.items()}


def given(proposal: Proposal, path: str) -> Mapping[str, str] | str:
    """Say what proposed rules give for a path: captures and targets, `skipped` or `unmatched`."""
    said = compiled([rule.draft for rule in proposal.rules]).match(text_path(path))
    if isinstance(said, RuleSkip):
        return "skipped"
    if not isinstance(said, RuleMatch):
        return "unmatched"
    return {"image": without_ending(path.rpartition("/")[2])} | dict(said.captures) | dict(said.targets)


def differences(proposal: Proposal, wanted: Mapping[str, Mapping[str, str] | str]) -> list[str]:
    """Compare what proposed rules give with what people want, each difference in a sentence."""
    found = []
    for path, values in wanted.items():
        got = given(proposal, path)
        if isinstance(values, str) or isinstance(got, str):
            found += [] if got == values else [f"{path} is {got}, not {values}"]
            continue
        found += [
            f"{path}: {name} is {got.get(name)}, not {text}" for name, text in values.items() if got.get(name) != text
        ]
    return found


def checked(folder: Path, proposal: Proposal) -> CheckReport:
    """Write a configuration of nothing but these rules, and check it as a person would."""
    root = folder / "root"
    root.mkdir(exist_ok=True)
    rules = written_rules(proposal, "      ") or "      []\n"
    return check(write(folder, f"state_dir: {folder}/state\nwatch:\n  - root: {root}\n    rules:\n{rules}"), {})


def templates(proposal: Proposal) -> list[str]:
    """Give the matches of all rules, each with its layout."""
    return [
        f"{match} + {rule.draft.layout}" if rule.draft.layout else match
        for rule in proposal.rules
        for match in rule.draft.match or ("(the folder itself)",)
    ]


def all_images(proposal: Proposal) -> int:
    """Count what the rules cover and what is left."""
    return sum(rule.files for rule in proposal.rules) + len(proposal.uncovered)


def bytes_of(texts: Iterable[str]) -> list[bytes]:
    """Give texts of paths as raw paths."""
    return [text_path(text) for text in texts]
