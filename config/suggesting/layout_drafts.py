"""From folders that a built-in layout takes to rules as they would stand in a file. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from config.suggesting.folders import (
    above_plates,
    draft_of,
    fixed_levels,
    joined,
    named_folders,
    plate_folders,
    words_at_the_end,
)
from config.suggesting.layouts import LaidOut
from config.suggesting.levels import Level, LevelRole
from config.suggesting.proposal import Draft
from config.suggesting.tails import literal
from config.suggesting.vocabulary import CONTAINER_WORDS

#: A folder inside a plate that is called like those of wells and positions: several things in it with dashes between.
_OF_A_WELL = "*--*"


def layout_drafts(found: Sequence[LaidOut], levels: Sequence[Level], root_name: str) -> list[Draft]:
    """Write the rules of folders that built-in layouts take.

    Where the folder itself is what a layout begins below, the rule has no match, and comes after those of folders in
    it: a layout that goes to any depth would take theirs.
    """
    drafts = [draft for one in found for draft in _below_folders(one, levels)]
    return drafts + [_of_the_root(one, root_name) for one in found if () in one.heads]


def _of_the_root(found: LaidOut, root_name: str) -> Draft:
    container = "plate" if found.has_wells else "dataset"
    return draft_of(
        f"{'one plate' if found.has_wells else 'images of several files'}: {found.title}",
        None,
        (),
        sets={container: literal(root_name)},
        assumed=(
            f"this folder itself is the {container}; watch the folder above it if there will be others beside it",
        ),
        layout=found.layout,
    )


def _below_folders(found: LaidOut, levels: Sequence[Level]) -> list[Draft]:
    fixed = fixed_levels(levels)
    heads = [head for head in found.heads if len(head) > fixed]
    if not heads:
        return []
    if not found.has_wells:
        return [_of_images(found, levels, fixed, Counter(len(head) - fixed for head in heads))]
    above, screen = above_plates(levels[:fixed])
    return [
        draft_of(
            f"plates: {found.title}",
            joined(above, folders),
            levels[:fixed],
            sets={"screen": screen} if screen else {},
            assumed=(),
            layout=found.layout,
        )
        for folders in _plates(found, heads, fixed, has_screen=screen is not None)
    ]


def _plates(found: LaidOut, heads: Sequence[tuple[str, ...]], fixed: int, *, has_screen: bool) -> list[str]:
    """Write the folders from the people's down to the plates, once or for each depth at which they lie."""
    if not found.is_deep:
        inner = words_at_the_end(found.heads, fixed)
        depths = [len(head) - len(inner) - fixed for head in heads]
        folders = plate_folders(min(depths), max(depths), has_screen=has_screen, is_named=False)
        return [joined(folders, "/".join(map(literal, inner)))]
    # Below a plate the layout goes to any depth: folders of any number above it would take the plate's place. What lies
    # inside plates tells them apart, or that the files lie directly in them; then deeper ones come first.
    depths = [len(head) - fixed for head in heads]
    if len(set(depths)) == 1:
        return [_exactly(depths[0], has_screen=has_screen)]
    kinds = {(_inside(head, found.heads[head]), len(head) - fixed) for head in heads}
    ordered = sorted(kinds, key=lambda kind: (-len(kind[0]), -kind[1], kind[0]))
    return [joined(_exactly(depth, has_screen=has_screen), *inner) for inner, depth in ordered]


def _inside(head: tuple[str, ...], files: Iterable[str]) -> tuple[str, ...]:
    """Write the folders between a plate and its files; those of wells differ, and are alike in that."""
    found: dict[int, set[str]] = defaultdict(set)
    count = 0
    for path in files:
        folders = path.split("/")[len(head) : -1]
        count = max(count, len(folders))
        for number, name in enumerate(folders):
            found[number].add(name)
    return tuple(_written(found[number]) for number in range(count))


def _written(names: set[str]) -> str:
    name = min(names)
    is_word = len({one.casefold() for one in names}) == 1 and name.casefold() in CONTAINER_WORDS
    if is_word:
        return literal(name)
    return _OF_A_WELL if all("--" in one for one in names) else "*"


def _exactly(depth: int, *, has_screen: bool) -> str:
    above = ["{:text}"] * (depth - 1)
    if above and not has_screen:
        above[0] = "{screen}"
    return "/".join([*above, "{plate}"])


def _of_images(found: LaidOut, levels: Sequence[Level], fixed: int, depths: Counter[int]) -> Draft:
    parts, dataset = named_folders(levels, fixed)
    if not any(level.role in (LevelRole.TEXT, LevelRole.DATED) for level in levels[: len(parts)]):
        parts = [*parts[:fixed], "{dataset}"]
    # Folders that none of them has are the layout's own: an optional one would take their place.
    parts = parts[: max(fixed, max(depths) + fixed)]
    required = max(fixed, min(min(depths) + fixed, len(parts)))
    match = "/".join(parts[:required])
    more = "[/{:path}]" if max(depths) + fixed > len(parts) else ""
    for part in reversed(parts[required:]):
        more = f"[/{part}{more}]"
    sets = {"dataset": f"[{dataset}]" if required < len(parts) else dataset} if dataset else {}
    title = f"images of several files: {found.title}"
    return draft_of(title, match + more, levels[: max(fixed, len(parts))], sets=sets, assumed=(), layout=found.layout)
