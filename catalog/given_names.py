"""Names that people give by hand: to people and groups, which paths name, and to what is only shown. Pure."""

import unicodedata

from catalog.errors import Refused
from config.scalars import FOLDER_WORDS, LONGEST_NAME

#: Accounts that are never a person or a group, and the site's own name in the history.
RESERVED = frozenset({"root", "nobody", "nogroup", "system", "posix"})


def bad_name(name: str) -> str | None:
    """Say why a text can't be the name or alias of a person or group, or None when it can."""
    if problem := bad_label(name):
        return problem
    if "/" in name:
        return "has a slash"
    if name.casefold() in RESERVED:
        return "is never a person or a group"
    return None


def bad_label(name: str) -> str | None:
    """Say why a text can't be the name of a project, an image ..., or None when it can. It may have slashes.

    Asked of what people type. What a folder is called is told as it is, whatever that is.
    """
    if not name or name != name.strip():
        return "is empty or begins or ends with a space"
    if len(name) > LONGEST_NAME:
        return f"is longer than {LONGEST_NAME} characters"
    if any(unicodedata.category(letter)[0] == "C" for letter in name):
        return "has a control character or a byte that is no text"
    if name in FOLDER_WORDS:
        return "means a folder"
    return None


def require_name(name: str) -> None:
    """Refuse a text that can't be the name or alias of a person or group."""
    _refuse(name, bad_name(name))


def require_label(name: str) -> None:
    """Refuse a text that can't be the name of a project, an image ..."""
    _refuse(name, bad_label(name))


def require_line(text: str, what: str) -> None:
    """Refuse a full name or an address that would not be one line when it is shown; ``what`` names it."""
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in text):
        raise Refused(f"{what} {text!r} has a control character or a byte that is no text; write it in one line")


def _refuse(name: str, problem: str | None) -> None:
    if problem is not None:
        raise Refused(f"{name!r} can't be a name: it {problem}")
