"""What programs leave beside images: thumbnails, masks, corrections. Pure."""

import re
from collections import Counter
from collections.abc import Sequence

from config.endings import without_ending
from config.suggesting.proposal import Draft
from config.suggesting.tails import literal
from config.suggesting.vocabulary import BY_PRODUCT_FOLDERS, BY_PRODUCT_NAMES

#: When nearly all is a by-product, the tree is about them.
_MOST = 0.9
_GUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$")


def by_product(path: str) -> tuple[str, str] | None:
    """Give the match that takes a by-product, and what it is; None for a file that is an image of somebody."""
    *folders, name = path.split("/")
    for folder in folders:
        what = BY_PRODUCT_FOLDERS.get(folder.casefold())
        if what:
            return f"**/{literal(folder.casefold())}/**", what
    stem = without_ending(name).casefold()
    is_numbered = _GUID.search(stem) is not None
    bare = _GUID.sub("", stem)
    for ending, what in BY_PRODUCT_NAMES:
        if bare.endswith(ending) and bare != ending:
            return f"**/*{ending}{'{:guid}' if is_numbered else ''}.{{ext}}", what
    return None


def skipping(paths: Sequence[str], images: int) -> tuple[Draft | None, frozenset[str]]:
    """Write the rule that skips the by-products among these paths, and give those it skips; ``images`` has the tree."""
    found = {path: said for path in paths if (said := by_product(path))}
    if not found or len(found) > _MOST * images:
        return None, frozenset()
    counts = Counter(found.values())
    what = ", ".join(dict.fromkeys(said for _, said in counts))
    draft = Draft(
        title=f"by-products to skip: {what}",
        match=tuple(dict.fromkeys(match for match, _ in counts)),
        skip=True,
        assumed=("they are made from images and not to be imported; leave the rule out to import them",),
    )
    return draft, frozenset(found)
