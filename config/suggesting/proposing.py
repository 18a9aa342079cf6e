"""Proposes the rules of a tree: built-in layouts first, then the shapes of what is left. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

from config.endings import ending_of
from config.path_text import path_text
from config.suggesting.by_products import skipping
from config.suggesting.drafting import drafts_of
from config.suggesting.layout_drafts import layout_drafts
from config.suggesting.layouts import LaidOut, laid_out
from config.suggesting.levels import Heads, levels_of
from config.suggesting.measuring import Measured, measured, usable
from config.suggesting.people_in_names import KnownNames
from config.suggesting.proposal import Proposal
from config.suggesting.shapes import Shape, shapes_of

#: Endings that readers know and that describe images rather than being one.
_INDEXES = frozenset({"nd", "htd", "mes", "ome", "ome.xml"})
#: What the first rules leave over is looked at again, so often.
_ROUNDS = 3
#: Fewer files than this are no pattern: they stay over, for people to see. What layouts leave over may be fewer, when
#: it is a good share of a small tree.
_LEAST = 3
_FEW = 0.05


def is_image(path: str) -> bool:
    """Tell whether a file's name ends like an image's, also of a format that is not read yet."""
    ending = ending_of(path.rpartition("/")[2])
    return ending is not None and ending.text not in _INDEXES


def propose(paths: Iterable[bytes], *, root_name: str, known: KnownNames | None = None) -> Proposal:
    """Propose rules for files, raw paths relative to the folder that would be watched."""
    texts = [path_text(path) for path in paths]
    images = sorted(text for text in texts if is_image(text))
    found = _rules(images, known or KnownNames(), root_name)
    return Proposal(
        rules=found.rules,
        images=len(images),
        uncovered=found.uncovered,
        others=_others(text for text in texts if not is_image(text)),
        owners=found.owners,
        groups=found.groups,
    )


def _rules(images: Sequence[str], known: KnownNames, root_name: str) -> Measured:
    """Write rules, those of layouts before by-products before shapes, until nothing that has a pattern is left."""
    plates = laid_out(images)
    taken = {path for found in plates for files in found.heads.values() for path in files}
    skip, skipped = skipping([path for path in images if path not in taken], len(images))
    shapes = shapes_of(path for path in images if path not in taken and path not in skipped)
    levels = levels_of(_heads(shapes, plates, known))
    drafts = usable(layout_drafts(plates, levels, root_name))
    drafts += [skip] if skip else []
    result = measured(drafts, images) if drafts else Measured(uncovered=tuple(images))
    left = result.uncovered
    for number in range(_ROUNDS):
        least = min(_LEAST, _FEW * len(images)) if number == 0 else _LEAST
        if not left or (drafts and len(left) < least):
            break
        if number or plates:
            shapes = shapes_of(left)
        kept = usable([*drafts, *drafts_of(shapes, levels, known, root_name)])
        if len(kept) == len(drafts):
            break
        drafts = kept
        result = measured(drafts, images)
        left = result.uncovered
    return result


def _heads(shapes: Iterable[Shape], plates: Iterable[LaidOut], known: KnownNames) -> Heads:
    """Count images by the folders above what is theirs alone, for the levels of the whole tree."""
    counts = Counter(file.head for shape in shapes for file in shape.files)
    for found in plates:
        counts.update({head: len(files) for head, files in found.heads.items()})
    return Heads(counts=counts, known=known)


def _others(texts: Iterable[str]) -> Counter[str]:
    """Count files that are no images by their ending."""
    found: Counter[str] = Counter()
    for text in texts:
        name = text.rpartition("/")[2]
        _, dot, ending = name.rpartition(".")
        found[ending.lower() if dot and ending else ""] += 1
    return found
