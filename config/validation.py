"""From nodes to settings: every error of the schema becomes a problem with its place in the file."""

import difflib
import re
import types
from collections.abc import Mapping as Dict
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.problems import Problem
from config.settings import INTERNAL, Settings, SourceMark
from config.source import QUOTES_HINT, Mapping, Node, Place, Scalar, Sequence, problem

Location = tuple[int | str, ...]
#: Sections in which an empty value means "with nothing in it": `smith-lab:` alone declares a group.
_EMPTY_SECTIONS = re.compile(r"(groups|users|lookups|layouts)(\.[^.]*)?|catalog|people|thumbnails|verify")
#: The value of a key after which nothing is written: no type takes it, so that nobody reads it as "not given".
NOTHING = object()


def mark_of(place: Place, node: Node | None = None) -> SourceMark:
    """Give a place as settings keep it; of a text with how it is written."""
    written = node.written if isinstance(node, Scalar) else ""
    return SourceMark(file=place.file, line=place.line, column=place.column, written=written)


def as_data(root: Mapping) -> dict[str, Any]:
    """Give the plain values for the schema, with the marks of each root and rule put in."""
    data = _mapping(root, "")
    for watch, watch_node in _pairs(data.get("watch"), root.get("watch")):
        watch[INTERNAL + "mark"] = mark_of(watch_node.place)
        watch[INTERNAL + "marks"] = marks(watch_node)
        _mark_rules(watch.get("rules"), watch_node.get("rules"))
    layouts = root.get("layouts")
    for name, node in layouts.entries if isinstance(layouts, Mapping) else ():
        _mark_rules(data["layouts"][name.text], node)
    return data


def _mark_rules(rules: object, node: Node | None) -> None:
    for rule, rule_node in _pairs(rules, node):
        rule[INTERNAL + "mark"] = mark_of(rule_node.place)
        rule[INTERNAL + "marks"] = marks(rule_node)


def _pairs(values: object, node: Node | None) -> list[tuple[dict[str, Any], Mapping]]:
    if not isinstance(values, tuple) or not isinstance(node, Sequence):
        return []
    both = zip(values, node.items, strict=True)
    return [(value, item) for value, item in both if isinstance(value, dict) and isinstance(item, Mapping)]


def _plain(node: Node, path: str) -> Any:
    match node:
        case Scalar(is_nothing=True):
            return {} if _EMPTY_SECTIONS.fullmatch(path) else NOTHING
        case Scalar():
            return node.text
        case Sequence():
            return tuple(_plain(item, f"{path}[]") for item in node.items)
        case Mapping():
            return _mapping(node, path)


def _mapping(node: Mapping, path: str) -> dict[str, Any]:
    return {key.text: _plain(value, f"{path}.{key.text}" if path else key.text) for key, value in node.entries}


def marks(root: Node, prefix: str = "") -> dict[str, SourceMark]:
    """Give the place of each value by dotted key: of a text where it begins, of anything else where its key does."""
    found: dict[str, SourceMark] = {}
    if isinstance(root, Mapping):
        for key, value in root.entries:
            place = value.place if isinstance(value, Scalar) and not value.is_nothing else key.place
            found[prefix + key.text] = mark_of(place, value)
            found.update(marks(value, f"{prefix}{key.text}."))
    elif isinstance(root, Sequence):
        for number, item in enumerate(root.items):
            found[f"{prefix}{number}"] = mark_of(item.place, item)
            found.update(marks(item, f"{prefix}{number}."))
    return found


def validate(root: Mapping, data: Dict[str, Any]) -> tuple[Settings | None, tuple[Problem, ...]]:
    """Apply the schema to the data that was made from these nodes."""
    try:
        return Settings.model_validate(data, by_alias=True, by_name=False), ()
    except ValidationError as error:
        return None, tuple(_problem(root, details) for details in error.errors(include_url=False))


def _problem(root: Mapping, details: ErrorDetails) -> Problem:
    location = tuple(part for part in details["loc"] if not str(part).startswith(INTERNAL))
    node, place, key = find(root, location, is_key=details["type"] in {"extra_forbidden"})
    message, hint = _sentence(details, location, node)
    return problem(place, message, hint, key)


def find(root: Node, location: Location, *, is_key: bool = False) -> tuple[Node, Place, str]:
    """Give the node at a location, the place to point at, and the location for people (lists counted from 1)."""
    node: Node = root
    place = root.place
    names: list[str] = []
    for part in location:
        if part == "[key]":
            key = None
        elif isinstance(node, Mapping) and (key := node.key(str(part))) is not None:
            value = node.get(str(part))
            assert value is not None  # noqa: S101 - keys have values
            node = value
            is_last = part is location[-1] and len(names) == len(location) - 1
            place = key.place if (is_last and is_key) or (location[-1] == "[key]") else node.place
            place = key.place if isinstance(node, Scalar) and node.is_nothing else place
            names.append(str(part))
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            place = node.place
            names.append(str(part + 1))
        elif isinstance(part, str):
            # A key that is missing: the place of what should hold it.
            names.append(part)
    return node, place, ".".join(names)


def _sentence(details: ErrorDetails, location: Location, node: Node) -> tuple[str, str | None]:
    """Say in words what pydantic found."""
    kind, context = details["type"], details.get("ctx", {})
    match kind:
        case "coverslip":
            return context["text"], context["hint"] or None
        case "extra_forbidden":
            known = keys_at(Settings, location[:-1]) + (["include"] if len(location) == 1 else [])
            return "this key is not known", _did_you_mean(str(location[-1]), known) or _one_of(known)
        case "missing":
            return "this key is missing", None
        case "literal_error" | "enum":
            options = re.findall(r"'([^']*)'", context["expected"])
            if not isinstance(node, Scalar) or node.is_nothing:
                return f"one text is expected here, not {_what(node)}", _one_of(options)
            hint = _did_you_mean(node.text, options) or _one_of(options)
            return f"{node.text!r} is not possible here", hint
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            return _limit(context), None
        case "too_short":
            return "at least one is needed here", None
        case _:
            return _wrong_kind(kind, details, node)


_LIMITS = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}


def _limit(context: Dict[str, Any]) -> str:
    name, value = next((name, context[name]) for name in _LIMITS if name in context)
    return f"this has to be {_LIMITS[name]} {value}"


_EXPECTED = {
    "string": "a text is",
    "tuple": "a list is",
    "dict": "keys with values are",
    "model": "keys with values are",
    "timedelta": "a duration is",
    "time": "a duration is",
    "int": "a whole number is",
    "bool": "true or false is",
    "path": "a path is",
    "is": "keys with values are",
}


def _wrong_kind(kind: str, details: ErrorDetails, node: Node) -> tuple[str, str | None]:
    expected = _EXPECTED.get(kind.split("_")[0])
    if expected is None:
        return details["msg"], None
    if isinstance(node, Scalar) and node.is_nothing:
        return f"{expected} expected here, and nothing is written", "remove the key, or give it a value"
    is_template = expected == "a text is" or (expected == "a list is" and isinstance(node, Mapping))
    is_bent = isinstance(node, Mapping | Sequence) and node.is_flow and is_template
    return f"{expected} expected here, not {_what(node)}", QUOTES_HINT if is_bent else None


def _what(node: Node) -> str:
    match node:
        case Scalar():
            return "nothing" if node.is_nothing else "a text"
        case Sequence():
            return "a list"
        case Mapping():
            return "keys with values"


def _did_you_mean(text: str, options: list[str]) -> str | None:
    folded = {option.casefold().replace("-", "_"): option for option in options}
    near = difflib.get_close_matches(text.casefold().replace("-", "_"), folded, n=1, cutoff=0.6)
    return f"did you mean {folded[near[0]]}?" if near else None


def _one_of(options: list[str]) -> str | None:
    return f"possible: {', '.join(options)}" if options else None


def keys_at(model: Any, location: Location) -> list[str]:
    """Give the keys that a section of the file may hold, from the schema."""
    sections = sections_of(model)
    for part in location:
        fields = {info.alias or name: info for section in sections for name, info in section.model_fields.items()}
        # Another part is the name of an entry or its number: what it holds is known already.
        sections = sections_of(fields[str(part)].annotation) if part in fields else sections
    keys = [info.alias or name for section in sections for name, info in section.model_fields.items()]
    return [key for key in keys if not key.startswith(INTERNAL)]


def sections_of(annotation: Any) -> list[type[BaseModel]]:
    """Give the sections that a type of the schema can hold, behind lists, mappings and alternatives."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in {Annotated, Union, types.UnionType, tuple, dict}:
        return [model for part in get_args(annotation) for model in sections_of(part)]
    return []
