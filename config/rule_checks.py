"""Checks of one rule's names: which targets it gives, and whether they go together. Pure."""

from collections.abc import Iterator

from config.endings import ENDINGS
from config.templates import PartKind, Template

_PROJECTS = frozenset({"project", "dataset"})
_PLATES = frozenset({"screen", "plate", "run", "well", "row", "column"})


def target_problems(given: frozenset[str], always: frozenset[str]) -> Iterator[str]:
    """Say what is wrong with the targets that a match and its rule's ``set`` give together."""
    in_projects, in_plates = sorted(given & _PROJECTS), sorted(given & _PLATES)
    if in_projects and in_plates:
        yield (
            f"gives both {' and '.join(in_projects)} and {' and '.join(in_plates)}: "
            "an image lies in a dataset or on a plate, not in both"
        )
    elif in_plates and "plate" not in given:
        yield f"gives {' and '.join(in_plates)} but no plate"
    elif in_plates and "plate" not in always and in_plates != ["plate"]:
        yield f"gives {' and '.join(name for name in in_plates if name != 'plate')} but the plate may be missing"
    if ("row" in given) != ("column" in given):
        yield "gives a row or a column without the other"
    if "well" in given and given & {"row", "column"}:
        yield "gives a well and also its row or column"


def unknown_ending(template: Template) -> str | None:
    """Find the ending that a template's fixed last part asks for, when no reader knows such files."""
    last = template.parts[-1] if template.parts else None
    if last is None or last.kind is not PartKind.LITERAL:
        return None
    name = last.text.rpartition("/")[2]
    is_whole_name = "/" in last.text or len(template.parts) == 1
    if "." not in name or (is_whole_name and name.startswith(".")):
        return None
    pieces = name.lower().split(".")
    candidates = {pieces[-1], ".".join(pieces[-2:])}
    return None if candidates & set(ENDINGS) else f".{pieces[-1]}"
