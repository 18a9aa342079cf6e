"""Reads documents back that a database keeps as JSON.

Placements of files that a rule took alike differ in the image's name only, which `ingest.documents` writes last. What
stands before it is parsed once for all of them.
"""

import json
from functools import lru_cache
from typing import Any, NoReturn

#: What comes before the text that is a document's own. No text inside JSON holds it: quotes are escaped there.
LAST_KEY = "image"
_CUT = f', "{LAST_KEY}": '
#: As many documents are remembered: of as many folders files are taken in at a time.
KEPT = 512


class Alike:
    """What documents share: all but the text under LAST_KEY. ``known`` is for who works more out of that once."""

    __slots__ = ("document", "known")

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.known: Any = None


class AlikeDocument(dict[str, Any]):
    """A document as it is stored, and what it shares with others: neither it nor what is in it may be changed."""

    __slots__ = ("alike",)
    alike: Alike

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("a stored document is shared with others: change a copy, dict(document)")

    __setitem__ = __delitem__ = __ior__ = _refuse
    update = setdefault = pop = popitem = clear = _refuse


def read_document(stored: str | bytes) -> Any:
    """Parse the JSON of a document, as `json.loads` does: what engines do with the values of `Document` columns."""
    text = stored if isinstance(stored, str) else stored.decode()
    head, cut, tail = text.rpartition(_CUT)
    alike = _alike(head) if cut else None
    own = _text_in(tail) if alike is not None else None
    if alike is None or own is None:
        return json.loads(text)
    document = AlikeDocument(alike.document, **{LAST_KEY: own})
    document.alike = alike
    return document


@lru_cache(maxsize=KEPT)
def _alike(head: str) -> Alike | None:
    """Parse what stands before the cut as a document; None: it is none, the cut was deeper inside."""
    try:
        return Alike(json.loads(head + "}"))
    except ValueError:
        return None


def _text_in(tail: str) -> str | None:
    """Give the text that stands between the cut and the end of the document; None: more than one text does."""
    if tail[:1] != '"' or tail[-2:] != '"}':
        return None
    inside = tail[1:-2]
    if inside.isascii() and inside.isprintable() and '"' not in inside and "\\" not in inside:
        return inside  # nearly all of them
    try:
        parsed = json.loads(tail[:-1])
    except ValueError:
        return None
    return parsed if isinstance(parsed, str) else None
