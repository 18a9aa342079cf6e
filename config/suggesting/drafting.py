"""From shapes of names and levels of folders to rules as they would stand in a file. Pure."""

import re
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
from config.suggesting.levels import Heads, Level, LevelRole, levels_of
from config.suggesting.people_in_names import KnownNames
from config.suggesting.proposal import Alternative, Draft
from config.suggesting.shapes import NamedFile, Shape
from config.suggesting.tails import PLAIN, literal, tail_of
from config.suggesting.vocabulary import Role

#: A shape of fewer files than this share of all is no rule of its own: its files are images like the others.
_LEAST_SHARE = 0.005
_LEAST_FILES = 3
#: Files with a number at the end are a run from so many on.
_LEAST_RUN = 5
_NUMBERED = re.compile(r"(?P<text>.*?)(?P<number>[0-9]{1,9})")


def drafts_of(shapes: Sequence[Shape], levels: Sequence[Level], known: KnownNames, root_name: str) -> list[Draft]:
    """Write the rules for these shapes, those with the most to say first; ``levels`` are the tree's."""
    total = sum(len(shape.files) for shape in shapes)
    plates = [shape for shape in shapes if shape.is_plate and _is_worth(shape, total)]
    stacks = [s for s in shapes if not s.is_plate and s.files[0].elements and _is_worth(s, total) and tail_of(s)]
    chosen = {id(shape) for shape in (*plates, *stacks)}
    plain = tuple(file for shape in shapes if id(shape) not in chosen for file in shape.files)
    drafts = [draft for shape in plates for draft in _plates(shape, levels, root_name)]
    for part in _alike([*stacks, *([Shape(files=plain)] if plain else [])], levels, known):
        drafts += part
    return drafts


def _is_worth(shape: Shape, total: int) -> bool:
    count = len(shape.files)
    return count * 2 >= total or count >= max(_LEAST_FILES, _LEAST_SHARE * total)


def heads_of(files: Iterable[NamedFile], known: KnownNames) -> Heads:
    """Count the images below each head."""
    return Heads(counts=Counter(file.head for file in files), known=known)


# Plates ------------------------------------------------------------------------------------------------------------


def _plates(shape: Shape, levels: Sequence[Level], root_name: str) -> list[Draft]:
    tail = tail_of(shape)
    if tail is None:
        return []
    fixed = fixed_levels(levels)
    files = [file for file in shape.files if len(file.head) >= fixed]
    if not files:
        return []
    above, screen = above_plates(levels[:fixed])
    inner = words_at_the_end([file.head for file in files], fixed)
    depths = {len(file.head) - len(inner) - fixed for file in files}
    is_named = tail.names_plate
    folders = plate_folders(min(depths), max(depths), has_screen=screen is not None, is_named=is_named)
    sets = {"plate": literal(root_name)} if not is_named and max(depths) <= 0 else {}
    if screen:
        sets["screen"] = screen
    return [
        draft_of(
            "wells of plates",
            joined(above, folders, "/".join(map(literal, inner)), tail.template),
            levels[:fixed],
            sets=sets | dict(tail.sets),
            assumed=(*tail.assumed, *shape.assumed),
        )
    ]


# Images in datasets ------------------------------------------------------------------------------------------------


def _alike(shapes: Sequence[Shape], levels: Sequence[Level], known: KnownNames) -> Iterable[list[Draft]]:
    """Give the rules of images in datasets; where the top folders are arranged differently, each has its own."""
    files = [file for shape in shapes for file in shape.files]
    for names, own in _arrangements(files, levels, known):
        chosen = [
            Shape(files=kept, is_plate=shape.is_plate, plate_wells=shape.plate_wells, assumed=shape.assumed)
            for shape in shapes
            if (kept := tuple(file for file in shape.files if names is None or (file.head and file.head[0] in names)))
        ]
        yield [draft for shape in chosen for draft in _images(shape, own)]


def _arrangements(
    files: Sequence[NamedFile], levels: Sequence[Level], known: KnownNames
) -> list[tuple[frozenset[str] | None, Sequence[Level]]]:
    """Split what lies below microscopes or general words where it is not arranged alike."""
    whole = heads_of(files, known)
    shared = _as_in_tree(levels_of(whole), levels)
    tops = whole.names(0)
    if not shared or shared[0].role not in (LevelRole.MICROSCOPE, LevelRole.WORDS) or len(tops) < 2:
        return [(None, shared)]
    found: dict[tuple[object, ...], tuple[set[str], Sequence[Level]]] = {}
    for name in tops:
        own = levels_of(heads_of([file for file in files if file.head and file.head[0] == name], known))
        key = tuple((level.role, level.has_owner) for level in own[1:3])
        found.setdefault(key, (set(), own))[0].add(name)
    if len(found) == 1:
        return [(None, shared)]
    return [(frozenset(names), _with_top(names, own)) for names, own in found.values()]


def _with_top(names: set[str], levels: Sequence[Level]) -> Sequence[Level]:
    texts = sorted(names)
    template = literal(texts[0]) if len(texts) == 1 else f"({'|'.join(map(literal, texts))})"
    return [Level(role=LevelRole.WORDS, template=template), *levels[1:]]


def _as_in_tree(own: Sequence[Level], tree: Sequence[Level]) -> Sequence[Level]:
    """Take groups and owners from where the whole tree has them: a part of it may show too few of them."""
    is_people = (LevelRole.GROUP, LevelRole.OWNER)
    said = {number: level for number, level in enumerate(tree) if level.role in is_people}
    if not said:
        return own
    plain = Level(role=LevelRole.TEXT, template="{name}")
    return [said.get(number, plain if level.role in is_people else level) for number, level in enumerate(own)]


def _images(shape: Shape, levels: Sequence[Level]) -> list[Draft]:
    tail = tail_of(shape) or PLAIN
    fixed = fixed_levels(levels)
    depths = [len(file.head) for file in shape.files if len(file.head) >= fixed]
    if not depths:
        return []
    parts, dataset = named_folders(levels, fixed)
    if parts and parts[-1] == "{project}":
        parts.append("{dataset}")
    if not any(level.role in (LevelRole.TEXT, LevelRole.DATED) for level in levels[: len(parts)]):
        parts = [*parts[:fixed], "{dataset}"]
    # A project's own images, should there be some, lie beside its datasets.
    is_usual = parts[-2:] == ["{project}", "{dataset}"]
    folders = _nested(parts, fixed, min(min(depths), len(parts) - 1) if is_usual else min(depths))
    match = folders + tail.template
    used = levels[: max(fixed, len(parts))]
    may_lack = min(depths) < len(parts)
    sets = dict(tail.sets) | ({"dataset": f"[{dataset}]" if may_lack else dataset} if dataset else {})
    if "{part}" in tail.template:
        sets["image"] = tail.sets["image"]
    title = "images" if tail is PLAIN else "images of several files: " + _said(shape)
    alternatives = _stacks_instead(shape.files, folders) if tail is PLAIN else (_plain_instead(folders),)
    return [
        draft_of(
            title,
            match,
            used,
            sets=sets,
            assumed=(*tail.assumed, *shape.assumed, *_assumed_numbers(shape)),
            alternatives=alternatives,
        )
    ]


def _plain_instead(folders: str) -> Alternative:
    return Alternative(when="each file is an image of its own", match=folders + PLAIN.template)


def _stacks_instead(files: Sequence[NamedFile], folders: str) -> tuple[Alternative, ...]:
    """Tell how to join files that are numbered without a gap, should the number count planes or time points."""
    runs: dict[tuple[tuple[str, ...], str], set[int]] = defaultdict(set)
    for file in files:
        found = _NUMBERED.fullmatch(file.tail)
        if found:
            runs[(file.head, found["text"])].add(int(found["number"]))
    dense = {
        key: values
        for key, values in runs.items()
        if len(values) >= _LEAST_RUN and len(values) > max(values) - min(values)
    }
    if sum(map(len, dense.values())) * 2 < len(files):
        return ()
    separators = {text[-1] for _, text in dense if text and not text[-1].isalnum()}
    separator = literal(separators.pop()) if len(separators) == 1 else ""
    if not separator:
        return ()
    when = "the numbers without a gap count the planes of a stack (or time points: {t})"
    return (Alternative(when=when, match=f"{folders}{{image}}{separator}{{z}}.{{ext}}"),)


def _said(shape: Shape) -> str:
    counted = [role.value for role in shape.roles if role in (Role.CHANNEL, Role.Z, Role.T)]
    return ", ".join(dict.fromkeys(counted)) + " in their names"


def _assumed_numbers(shape: Shape) -> tuple[str, ...]:
    said = []
    for number, role in enumerate(shape.roles):
        if role not in (Role.CHANNEL, Role.Z, Role.T):
            continue
        values = {file.elements[number].value for file in shape.files}
        prefix = shape.files[0].elements[number].prefix
        shown = f"'{prefix}{min(values)}' to '{prefix}{max(values)}'" if len(values) > 1 else f"'{prefix}{min(values)}'"
        said.append(f"{shown} is the {role.value} ({len(values)} values)")
    return tuple(said)


def _nested(parts: Sequence[str], fixed: int, fewest: int) -> str:
    """Write folders, those that some files lack in brackets, one in another; deeper folders are passed over."""
    required = max(fixed, min(fewest, len(parts)))
    written = "".join(f"{part}/" for part in parts[:required])
    optional = parts[required:]
    if not optional:
        return written + "**/"
    inner = "**/"
    for part in reversed(optional):
        inner = f"[{part}/{inner}]"
    return written + inner
