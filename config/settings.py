"""Typed settings: the schema of the configuration file, and what every other room reads.

The models are the documentation, too: the reference page and the example file are generated from them.
Scalars arrive as source text (``0012`` stays ``0012``) and are converted here.
"""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict


class PermissionLevel(StrEnum):
    """The permission level of a group (CATALOGUE's four)."""

    PRIVATE = "private"
    READ_ONLY = "read-only"
    READ_ANNOTATE = "read-annotate"
    READ_WRITE = "read-write"


class Hasher(StrEnum):
    """The checksum of original files."""

    SHA256 = "sha256"
    BLAKE3 = "blake3"
    XXH3_128 = "xxh3-128"


class Setting(BaseModel):
    """The base of all sections: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceMark(Setting):
    """Where something stands in a file: 1-based line and column."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """Give FILE:LINE:COL."""
        return f"{self.file}:{self.line}:{self.column}"


class CatalogSettings(Setting):
    """Where the catalogue lives."""

    url: str = "sqlite:///catalog.db"


class GroupSettings(Setting):
    """A group declared in the file; None means the file leaves it free."""

    permissions: PermissionLevel | None = None
    description: str | None = None
    owners: tuple[str, ...] | None = None
    members: tuple[str, ...] | None = None
    aliases: tuple[str, ...] = ()


class UserSettings(Setting):
    """A person declared in the file; None means the file leaves it free."""

    name: str | None = None
    email: str | None = None
    default_group: str | None = None
    administrator: bool | None = None
    aliases: tuple[str, ...] = ()


class PeopleSettings(Setting):
    """Where a name found in a path is looked up, and what happens when nobody is found."""

    sources: tuple[Literal["catalog", "system"], ...] = ("catalog", "system")  # key in the file: from
    system_groups: tuple[str, ...] = ()
    shared_accounts: tuple[str, ...] = ()
    unknown: Literal["hold", "create"] = "hold"


class DefaultOwner(Setting):
    """A root's `default:`."""

    owner: str | None = None
    group: str | None = None


class ExpectSettings(Setting):
    """How many distinct values of dimensions, or files, make a fileset complete."""

    channel: int | None = None
    z: int | None = None
    t: int | None = None
    files: int | None = None


class CompleteSettings(Setting):
    """A rule's `complete:`."""

    settle: timedelta | None = None
    marker: str | None = None
    expect: ExpectSettings | None = None
    max_wait: timedelta = timedelta(hours=2)
    on_stall: Literal["hold", "import"] = "hold"
    per: Literal["image", "plate"] = "image"


class ExampleSettings(Setting):
    """An embedded example: what a path shall give."""

    paths: tuple[str, ...]
    #: 'skipped', 'unmatched', 'ignored', 'held', or the captured targets as text.
    gives: Literal["skipped", "unmatched", "ignored", "held"] | dict[str, str]


class KeyValueTable(Setting):
    """`key_values: {from: platemap.csv, by: well, on: well}`."""

    table: str  # key in the file: from
    by: str = "well"
    on: Literal["image", "well", "plate", "dataset"] = "well"


class ChannelSettings(Setting):
    """A name and colour for a captured channel value."""

    name: str | None = None
    color: str | None = None


class RuleSettings(Setting):
    """One rule as written; `config.rules` compiles it."""

    name: str | None = None
    match: tuple[str, ...] = ()
    regex: str | None = None
    where: dict[str, str] = {}
    set: dict[str, str] = {}
    skip: bool = False
    tags: tuple[str, ...] = ()
    key_values: dict[str, str] | KeyValueTable | None = None
    on: Literal["image", "well", "plate", "dataset"] = "image"
    description: str | None = None
    owner: Literal["posix"] | None = None
    by: Literal["reader", "names"] | None = None
    channels: dict[str, ChannelSettings] = {}
    complete: CompleteSettings | None = None
    associated_images: Literal["hide", "keep", "drop"] = "hide"
    projection: Literal["middle", "max", "mean"] = "middle"
    crosscheck: Literal["hold", "warn", "off"] | None = None
    layout: str | None = None
    examples: tuple[ExampleSettings, ...] = ()
    mark: SourceMark
    #: Marks of single values, by dotted key ("match", "set.owner", "where.stain").
    marks: dict[str, SourceMark] = {}


class WatchSettings(Setting):
    """One watch root."""

    root: Path
    name: str
    role: Literal["acquisition", "storage"] = "acquisition"
    events: Literal["auto", "native", "polling"] = "auto"
    settle: timedelta = timedelta(seconds=10)
    #: None: 1 h while events are healthy, 15 min where they are not.
    scan_every: timedelta | None = None
    hash: Hasher = Hasher.SHA256
    hash_now_bytes: int = 1 << 30  # key in the file: hash_now
    ignore: tuple[str, ...] = ()
    seen_as: dict[str, str] = {}
    default: DefaultOwner = DefaultOwner()
    crosscheck: Literal["hold", "warn", "off"] = "hold"
    rules: tuple[RuleSettings, ...] = ()
    mark: SourceMark


class ThumbnailSettings(Setting):
    """How pictures are made."""

    size_px: int = 256
    projection: Literal["middle", "max", "mean"] = "middle"


class Settings(Setting):
    """A whole, checked configuration."""

    file: Path
    catalog: CatalogSettings = CatalogSettings()
    state_dir: Path = Path("/var/lib/coverslip")
    groups: dict[str, GroupSettings] = {}
    users: dict[str, UserSettings] = {}
    people: PeopleSettings = PeopleSettings()
    #: name -> (value -> value), CSV files read already.
    lookups: dict[str, dict[str, str]] = {}
    thumbnails: ThumbnailSettings = ThumbnailSettings()
    #: Worker processes; None: one a core.
    workers: int | None = None
    watch: tuple[WatchSettings, ...] = ()
    #: The whole text, includes expanded, and its SHA-256: the configuration's version.
    source_text: str
    digest: bytes
    #: Where each key of groups, users ... stands, by dotted key ("groups.smith-lab.permissions"): what is in here
    #: is fixed by the file.
    marks: dict[str, SourceMark] = {}
