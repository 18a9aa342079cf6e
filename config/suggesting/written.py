"""Proposed rules as they would stand in a configuration, with what was assumed in comments above them. Pure."""

import re
import textwrap
from collections.abc import Iterator, Mapping

from config.example import quoted
from config.suggesting.proposal import Proposal, ProposedRule, ShownExample, share

WIDTH = 110
_BARE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-/]*")


def percent(part: int, total: int) -> str:
    """Give a share for people: `100 %` only when it is all, `0 %` only when it is nothing."""
    if part in (0, total):
        return "100 %" if part else "0 %"
    return f"{min(max(round(100 * share(part, total)), 1), 99)} %"


def written_rules(proposal: Proposal, indent: str) -> str:
    """Write the rules as items of a list, each line indented, with a newline at the end of each."""
    said: set[str] = set()
    lines = [line for rule in proposal.rules for line in _rule(rule, proposal.images, said)]
    return "".join(f"{indent}{line}\n" for line in lines)


def comment(text: str, *, indent: str = "") -> list[str]:
    """Write a sentence as comment lines, with what is not printable escaped."""
    shown = "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)
    prefix = f"# {indent}"
    return textwrap.wrap(
        shown,
        width=WIDTH,
        initial_indent=prefix,
        subsequent_indent=prefix + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _rule(rule: ProposedRule, images: int, said: set[str]) -> Iterator[str]:
    """Write one rule; a sentence that stands above an earlier one is not repeated."""
    draft = rule.draft
    yield from comment(f"{percent(rule.files, images)} of the images ({rule.files} of {images}): {draft.title}.")
    for sentence in [sentence for sentence in draft.assumed if sentence not in said]:
        said.add(sentence)
        yield from comment(f"Assumed: {sentence}.")
    for other in draft.alternatives:
        yield from comment(f"If {other.when}: match: {quoted(other.match)}")
    for example in rule.examples:
        if not example.is_checkable:
            yield from comment(f"Such as {example.path}{_told(example)}")
    yield from _keys(rule)


def _told(example: ShownExample) -> str:
    if isinstance(example.gives, str):
        return f": {example.gives}"
    return ": " + ", ".join(f"{name} {text}" for name, text in example.gives.items()) if example.gives else ""


def _keys(rule: ProposedRule) -> Iterator[str]:
    draft = rule.draft
    if not draft.match:
        yield f"- layout: {draft.layout}"
    elif len(draft.match) == 1:
        yield f"- match: {quoted(draft.match[0])}"
    else:
        yield "- match:"
        yield from (f"    - {quoted(match)}" for match in draft.match)
    if draft.layout and draft.match:
        yield f"  layout: {draft.layout}"
    if draft.skip:
        yield "  skip: true"
    if draft.is_posix and not draft.skip:
        yield "  owner: posix"
    for key, values in (("set", draft.sets), ("key_values", draft.key_values)):
        if values:
            yield f"  {key}: {_mapping(values)}"
    if draft.tags:
        yield f"  tags: [{', '.join(map(quoted, draft.tags))}]"
    checkable = [example for example in rule.examples if example.is_checkable]
    if checkable:
        yield "  examples:"
    for example in checkable:
        yield f"    - path: {_scalar(example.path)}"
        gives = example.gives
        yield f"      gives: {gives if isinstance(gives, str) else _mapping(gives)}"


def _mapping(values: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {_scalar(text)}" for name, text in values.items()) + "}"


def _scalar(text: str) -> str:
    return text if _BARE.fullmatch(text) else quoted(text)
