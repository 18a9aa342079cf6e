"""A second, slow opinion on what a pattern matches: all ways, in order of preference, without any cleverness."""

from collections.abc import Iterator

from config.patterns import Capture, Chars, Choice, Node, PartOf, Repeat, Sequence, Text, has

Spans = dict[int, tuple[int, int]]


def ways(sequence: Sequence, text: str, at: int, spans: Spans) -> Iterator[tuple[int, Spans]]:
    """Yield each end that a sequence can reach from a place, with its captures, the preferred way first."""
    if not sequence:
        yield at, spans
        return
    for end, found in _node_ways(sequence[0], text, at, spans):
        yield from ways(sequence[1:], text, end, found)


def _node_ways(node: Node, text: str, at: int, spans: Spans) -> Iterator[tuple[int, Spans]]:
    match node:
        case Text():
            end = at + len(node.text)
            if text[at:end].lower() == node.text.lower():
                yield end, spans
        case Chars():
            most = at
            while most < len(text) and has(node.chars, text[most]) and (node.high is None or most - at < node.high):
                most += 1
            ends = range(at + node.low, most + 1)
            for end in reversed(ends) if node.is_greedy else ends:
                yield end, spans
        case Choice():
            for way in node.ways:
                yield from ways(way, text, at, spans)
        case Repeat():
            yield at, spans
            for end, found in ways(node.body, text, at, spans):
                if end > at:
                    yield from _node_ways(node, text, end, found)
        case Capture():
            for end, found in ways(node.body, text, at, spans):
                yield end, found | {node.slot: (at, end)}
        case PartOf():
            yield from ways(node.body, text, at, spans)
