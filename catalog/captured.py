"""The `channel z t` that the name of a file gives, as one text that a sighting keeps. Pure."""

import json
from collections.abc import Mapping


def written(values: Mapping[str, str]) -> str | None:
    """Give the text; None where the name gives none. Equal values give equal texts."""
    return json.dumps(dict(sorted(values.items())), ensure_ascii=True, separators=(",", ":")) if values else None


def read(text: str | None) -> dict[str, str]:
    """Give the values again."""
    values: dict[str, str] = json.loads(text) if text else {}
    return values


def in_words(text: str | None) -> str:
    """Say the values to people: "channel 1, z 3"."""
    return ", ".join(f"{name} {value}" for name, value in read(text).items())
