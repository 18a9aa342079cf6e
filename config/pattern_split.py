"""A pattern of paths cut at the last slash of what it matches: what a folder's path fits, and what the name then fits.

Together the cuts match the same paths as the pattern does; that is all they are for: which of several possible ways is
the first, and what it captures, is asked of the whole pattern.
"""

from typing import TypeAlias, assert_never

from config.patterns import Capture, Chars, Choice, Node, PartOf, Repeat, Sequence, Text

#: What the folder's path (without the slash at its end) and the file's name have to fit.
Cut: TypeAlias = tuple[Sequence, Sequence]


def cuts_of(sequence: Sequence) -> list[Cut]:
    """Give every way in which a path that fits can be cut at its last slash."""
    found: list[Cut] = []
    for index, node in enumerate(sequence):
        after = without_slash(sequence[index + 1 :])
        if after is not None:
            found += [((*sequence[:index], *folder), (*name, *after)) for folder, name in _cuts_of_node(node)]
    return found


def without_slash(sequence: Sequence) -> Sequence | None:
    """Narrow a pattern to texts without a slash; None when it matches none."""
    narrowed: list[Node] = []
    for node in sequence:
        found = _node_without_slash(node)
        if found is None:
            return None
        narrowed += found
    return tuple(narrowed)


def _cuts_of_node(node: Node) -> list[Cut]:
    match node:
        case Text():
            before, slash, after = node.text.rpartition("/")
            return [(_text(before), _text(after))] if slash else []
        case Chars():
            return []
        case Choice():
            return [cut for way in node.ways for cut in cuts_of(way)]
        case Repeat():
            more = without_slash(node.body)
            again: Sequence = () if more is None else (Repeat(more),)
            return [((node, *folder), (*name, *again)) for folder, name in cuts_of(node.body)]
        case Capture() | PartOf():
            return cuts_of(node.body)
        case _:
            assert_never(node)


def _node_without_slash(node: Node) -> Sequence | None:
    match node:
        case Text():
            return None if "/" in node.text else (node,)
        case Chars():
            return (node,)
        case Choice():
            ways = tuple(way for one in node.ways if (way := without_slash(one)) is not None)
            return (Choice(ways),) if ways else None
        case Repeat():
            body = without_slash(node.body)
            return () if body is None else (Repeat(body),)
        case Capture() | PartOf():
            return without_slash(node.body)
        case _:
            assert_never(node)


def _text(text: str) -> Sequence:
    return (Text(text),) if text else ()
