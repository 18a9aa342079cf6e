"""Where the catalogue is by a configuration that is wrong elsewhere: enough to look at what is in it, and no more."""

import os
import re
from difflib import get_close_matches
from pathlib import Path

from config.files import DiskFiles, KeptFiles, UnreadableError
from config.loader import examine
from config.settings import Settings

#: A key of the file itself, with the indented, empty and comment lines below it.
_SECTION = re.compile(rb"^(?P<key>[^\s#:'\"-][^\s:]*)[ \t]*:.*\n?(?:(?:[ \t].*|#.*|\r?)(?:\n|\Z))*", re.MULTILINE)
_PLACES = ("state_dir", "catalog")


def place_only(path: Path) -> Settings | None:
    """Give settings that say where the catalogue is and nothing else; None where the file does not surely say it.

    It is cut out of the text, which may be no YAML elsewhere. ``state_dir`` has to be written in the file itself, and
    so has ``catalog`` where an included file, or a key that is written like it, may say it.
    """
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - links stay what they are called
    try:
        text = DiskFiles().read(whole)
    except UnreadableError:
        return None
    sections = [(found["key"].decode("utf-8", "replace"), found[0]) for found in _SECTION.finditer(text)]
    keys = {key for key, _ in sections}
    if "state_dir" not in keys or ("catalog" not in keys and _may_hide_the_catalogue(keys)):
        return None
    cut = b"\n".join(section for key, section in sections if key in _PLACES)
    examined = examine(whole, environ={}, files=KeptFiles({whole: cut}, {}))
    return None if examined.errors else examined.settings


def _may_hide_the_catalogue(keys: set[str]) -> bool:
    unknown = keys - Settings.model_fields.keys()
    return "include" in keys or any(get_close_matches(key, ("catalog",)) for key in unknown)
