"""Folders of a match, written from the levels of a tree: the people's, the plates' and the datasets'. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from config.suggesting.levels import Level, LevelRole
from config.suggesting.proposal import Alternative, Draft
from config.suggesting.vocabulary import CONTAINER_WORDS

_FIXED = (LevelRole.GROUP, LevelRole.OWNER, LevelRole.MICROSCOPE, LevelRole.WORDS)
_NO_OWNER = (
    "no folder names a person: the account that wrote the file says whose it is; if all are one person's,"
    " put `set: {owner: LOGIN, group: GROUP}` in place of `owner: posix`"
)


def fixed_levels(levels: Sequence[Level]) -> int:
    """Count the levels down to the last that says whose the files are, or only holds others."""
    fixed = max((n + 1 for n, level in enumerate(levels) if level.role in _FIXED[:3] or level.has_owner), default=0)
    while fixed + 1 < len(levels) and levels[fixed].role is LevelRole.WORDS:
        fixed += 1
    return fixed


def above_plates(levels: Sequence[Level]) -> tuple[str, str | None]:
    """Write the folders above plates; a text or a date in them names the screen (None: nothing does; "": captured)."""
    parts: list[str] = []
    screen: str | None = None
    for level in levels:
        if level.role is LevelRole.TEXT:
            parts.append("{screen}" if screen is None else "{:text}")
            screen = "" if screen is None else screen
            continue
        if level.role is LevelRole.DATED and screen is None:
            screen = "".join(level.gives)
        parts.append(level.template)
    return "/".join(parts), screen


def words_at_the_end(heads: Iterable[tuple[str, ...]], fixed: int) -> tuple[str, ...]:
    """Find the folder of a general word (`Images`) between every plate and its files."""
    heads = list(heads)
    last = {head[-1] for head in heads if len(head) > fixed + 1}
    if len({name.casefold() for name in last}) != 1 or any(len(head) <= fixed + 1 for head in heads):
        return ()
    name = min(last)
    return (name,) if name.casefold() in CONTAINER_WORDS else ()


def plate_folders(fewest: int, most: int, *, has_screen: bool, is_named: bool) -> str:
    """Write the folders between the people's and the files: the plate, above it the screen."""
    above = "**" if has_screen else "{screen}/**"
    optional = "**/" if has_screen else "[{screen}/**/]"
    if is_named:
        return "" if most <= 0 else above if fewest > 0 else optional
    if most <= 0:
        return ""
    if most == 1:
        return "{plate}"
    if most == 2 and not has_screen:
        return "[{screen}/]{plate}" if fewest <= 1 else "{screen}/{plate}"
    return f"{optional}{{plate}}" if fewest <= 1 else f"{above}/{{plate}}"


def joined(*parts: str) -> str:
    """Join parts of a match with slashes; one that ends in a bracket has its own."""
    written = ""
    for part in parts:
        if not part:
            continue
        written += part if not written or written.endswith(("/]", "/")) else f"/{part}"
    return written


def named_folders(levels: Sequence[Level], fixed: int) -> tuple[list[str], str | None]:
    """Name the levels: project and dataset from what is free, a dataset with a date by its own text.

    Gives the folders' templates, and the dataset's template where it is not captured.
    """
    # What stands above the people names no project where something below them can.
    first = fixed if any(level.role is LevelRole.TEXT for level in levels[fixed:]) else 0
    names = iter(_free_names(levels, first))
    parts: list[str] = []
    gives: list[str] = []
    has_dataset = False
    for number, level in enumerate(levels):
        if number >= fixed and has_dataset and not gives:
            break
        if level.role is LevelRole.DATED:
            parts.append(level.template)
            gives += level.gives
            has_dataset = True
        elif level.role is LevelRole.TEXT and number < first:
            parts.append("{:text}")
        elif level.role is LevelRole.TEXT:
            name = next(names, None)
            if name is None:
                break
            parts.append(f"{{{name}}}")
            has_dataset = has_dataset or name == "dataset"
            if name == "sample":
                gives.append("[ {sample}]")
                break
        else:
            parts.append(level.template)
    return parts, "".join(gives) or None


def _free_names(levels: Sequence[Level], first: int) -> list[str]:
    """Choose names for the levels of texts from ``first`` on, in order."""
    roles = [level.role for level in levels[first:] if level.role in (LevelRole.TEXT, LevelRole.DATED)]
    if LevelRole.DATED not in roles:
        has_owner = any(level.has_owner for level in levels)
        return ["dataset"] if len(roles) == 1 and not has_owner else ["project", "dataset"]
    before = roles.index(LevelRole.DATED)
    return [*["project", "folder"][:before], "sample"]


def draft_of(
    title: str,
    match: str | None,
    levels: Sequence[Level],
    *,
    sets: Mapping[str, str],
    assumed: Sequence[str],
    alternatives: tuple[Alternative, ...] = (),
    layout: str | None = None,
) -> Draft:
    """Write a rule below these levels; a rule with a layout may have no match."""
    has_kind = any(level.role is LevelRole.WORDS and level.template.startswith("{kind:") for level in levels)
    key_values = {"Microscope": "{microscope}"} if any(level.role is LevelRole.MICROSCOPE for level in levels) else {}
    has_owner = any(level.has_owner for level in levels)
    said = [sentence for level in levels for sentence in level.assumed]
    return Draft(
        title=title,
        match=() if match is None else (match,),
        layout=layout,
        is_posix=not has_owner,
        sets=sets,
        tags=("{kind}",) if has_kind else (),
        key_values=key_values,
        assumed=(*said, *assumed, *(() if has_owner else (_NO_OWNER,))),
        alternatives=alternatives,
    )
