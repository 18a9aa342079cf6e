"""Runs expat over XML that nobody vouches for: no DOCTYPE, no entities, bounded size and depth."""

from collections.abc import Callable
from xml.parsers import expat

DEPTH_AT_MOST = 64
XML_BYTES_AT_MOST = 256 << 20

Attributes = dict[str, str]


class XmlError(Exception):
    """XML that is broken, hostile or too large; the message goes on from what the document is called."""


def _refuse(*_: object) -> int:
    raise XmlError("has a DOCTYPE, which is refused")


def parse(
    xml: bytes,
    *,
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None],
    text: Callable[[str], None],
) -> None:
    """Parse a document, giving its elements by their local names to the callbacks.

    Raises:
        XmlError: for what is broken, hostile or too large; also what the callbacks raise comes through.

    """
    if len(xml) > XML_BYTES_AT_MOST:
        raise XmlError(f"is larger than {XML_BYTES_AT_MOST >> 20} MiB")
    depth = 0

    def opened(name: str, attributes: Attributes) -> None:
        nonlocal depth
        depth += 1
        if depth > DEPTH_AT_MOST:
            raise XmlError("is nested too deeply")
        start(name.rpartition(":")[2], attributes)

    def closed(name: str) -> None:
        nonlocal depth
        depth -= 1
        end(name.rpartition(":")[2])

    parser = expat.ParserCreate()
    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    parser.buffer_text = True
    try:
        parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise XmlError(f"is broken: {error}") from error
