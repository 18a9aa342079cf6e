"""Typed settings: the schema of the configuration file, and what every other room reads.

The models are the documentation, too: the reference page and the example file are generated from them.
Scalars arrive as source text (``0012`` stays ``0012``) and are converted here. Made from Python, models take field
names; made from a file, only the names that the file uses, so that nothing internal can be set from there.
"""

from datetime import timedelta
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from config.scalars import (
    Boolean,
    Duration,
    FilePath,
    Name,
    Names,
    PositiveDuration,
    Share,
    SizeBytes,
    Texts,
    WholeNumber,
    as_list,
    refused,
)

#: The prefix of aliases that no key in a file can have: texts with NUL are refused before.
INTERNAL = "\0"
#: Alternatives of a union, as they appear in the place of an error.
AS_TEXT, AS_MAPPING, AS_TABLE = "\0text", "\0mapping", "\0table"

Projection = Literal["middle", "max", "mean"]
AnnotatedObject = Literal["image", "well", "plate", "dataset"]
Crosscheck = Literal["hold", "warn", "off"]


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

    # Built when a section is first used: the whole file's schema holds those of its sections anyway.
    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, defer_build=True
    )


class SourceMark(Setting):
    """Where something stands in a file: 1-based line and column.

    ``written`` is a text's source with its quotes; empty where it is no text or unknown.
    """

    file: str
    line: int
    column: int
    written: str = ""

    def __str__(self) -> str:
        """Give FILE:LINE:COL."""
        return f"{self.file}:{self.line}:{self.column}"


class CatalogSettings(Setting):
    """Where the catalogue lives."""

    url: str = Field(
        "sqlite:///catalog.db",
        description="`sqlite:///FILE`, relative to `state_dir`, or `postgresql+psycopg://user@host/db`. Never with a "
        "password, which comes from the environment variable `COVERSLIP_CATALOG_PASSWORD` or the systemd credential "
        "`catalog-password`.",
    )


class GroupSettings(Setting):
    """A group. What is not given is left free.

    None means that the file does not give it.
    """

    permissions: PermissionLevel | None = Field(
        None,
        description="What members may see and do with each other's data: `private`, `read-only`, `read-annotate` "
        "(what a new group gets) or `read-write`. Given here, it can't be changed on the command line.",
    )
    description: str | None = Field(None, description="What the group is, for people.")
    owners: Names | None = Field(None, description="Members who lead the group and see all of its data.")
    members: Names | None = Field(None, description="The members. `[]` is nobody; left out, the file says nothing.")
    aliases: Names = Field((), description="Other spellings under which folders name the group.")


class UserSettings(Setting):
    """A person. What is not given is left free.

    None means that the file does not give it.
    """

    name: str | None = Field(None, description="The full name.")
    email: str | None = Field(None, description="The mail address.")
    default_group: Name | None = Field(None, description="The group of data whose path names the owner, but no group.")
    administrator: Boolean | None = Field(None, description="Whether this person may administer the catalogue.")
    aliases: Names = Field((), description="Other spellings under which folders name this person.")


class PeopleSettings(Setting):
    """Where a name found in a path is looked up, and what happens when nobody is found."""

    sources: Annotated[tuple[Literal["catalog", "system"], ...], BeforeValidator(as_list)] = Field(
        ("catalog", "system"),
        alias="from",
        description="Where a name found in a path is looked up: the catalogue, the machine's accounts.",
    )
    system_groups: Texts = Field(
        (),
        description="Patterns (`lab-*`) of machine groups that may become groups. They start private. Default: none.",
    )
    shared_accounts: Names = Field((), description="Logins that several people or an instrument use: never a person.")
    unknown: Literal["hold", "create"] = Field(
        "hold",
        description="What happens to files of an owner nobody knows: `hold` them, or `create` a user without a login, "
        "in an existing group, never a group or a group owner.",
    )


class DefaultOwner(Setting):
    """Whose the files below a root are, where no rule says it."""

    owner: str | None = Field(
        None, description="Whose the files are that no rule gives an owner; `posix` asks the file's owner on disk."
    )
    group: str | None = Field(None, description="The group of files that no rule gives one; `posix` as for `owner`.")


class ExpectSettings(Setting):
    """How many distinct values of dimensions, or files, make a fileset complete."""

    channel: WholeNumber | None = Field(None, description="How many channels.")
    z: WholeNumber | None = Field(None, description="How many planes in z.")
    t: WholeNumber | None = Field(None, description="How many time points.")
    files: WholeNumber | None = Field(None, description="How many files.")


class CompleteSettings(Setting):
    """When the files of a rule are whole."""

    settle: Duration | None = Field(None, description="The rule's own `settle`, instead of the root's.")
    marker: str | None = Field(None, description="A file whose appearance says that all is written.")
    expect: ExpectSettings | None = Field(None, description="How many values or files make it whole.")
    max_wait: Duration = Field(timedelta(hours=2), description="After this long it is `stalled`.")
    on_stall: Literal["hold", "import"] = Field("hold", description="What happens to what is stalled.")
    per: Literal["image", "plate"] = Field("image", description="What has to be whole.")


def _gives_kind(value: object) -> str:
    return AS_TEXT if isinstance(value, str) else AS_MAPPING


class ExampleSettings(Setting):
    """An embedded example: what a path shall give."""

    paths: Texts = Field(description="Paths below the root. `path:` gives a single one.", min_length=1)
    gives: Annotated[
        Annotated[Literal["skipped", "unmatched", "ignored", "held"], Tag(AS_TEXT)]
        | Annotated[dict[str, str], Tag(AS_MAPPING)],
        Discriminator(_gives_kind),
    ] = Field(
        description="`skipped`, `unmatched`, `ignored`, `held`, or the values that the path has to give: targets "
        "(`project`, `well: B3` ...), `owner`, `group`, `image`, or the rule's own placeholders. What is not named "
        "is not compared."
    )

    @model_validator(mode="before")
    @classmethod
    def _path_is_a_list_of_one(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "path" not in data:
            return data
        if "paths" in data:
            raise refused("an example takes path or paths, not both")
        return {("paths" if key == "path" else key): value for key, value in data.items()}


class KeyValueTable(Setting):
    """`key_values: {from: platemap.csv, by: well, on: well}`."""

    table: str = Field(alias="from", description="The table's file name, beside the plate.")
    by: str = Field("well", description="The column that says which object a line is for.")
    on: AnnotatedObject | None = Field(
        None, description="What the values go to. Default: the rule's `on`, else what `by` names, else the image."
    )

    def goes_to(self, rule_on: AnnotatedObject | None) -> AnnotatedObject:
        """Say what the values go to; ``rule_on`` is what the rule says for all its annotations, None for nothing."""
        named: dict[str, AnnotatedObject] = {one: one for one in get_args(AnnotatedObject)}
        return self.on or rule_on or named.get(self.by, "image")


class ChannelSettings(Setting):
    """A name and colour for a captured channel value."""

    name: str | None = Field(None, description="The channel's name.")
    color: str | None = Field(None, description="The channel's colour, `#RRGGBB`.")


def _key_values_kind(value: object) -> str:
    is_table = isinstance(value, KeyValueTable) or (isinstance(value, dict) and "from" in value)
    return AS_TABLE if is_table else AS_MAPPING


KeyValues = Annotated[
    Annotated[dict[str, str], Tag(AS_MAPPING)] | Annotated[KeyValueTable, Tag(AS_TABLE)],
    Discriminator(_key_values_kind),
]


class RuleSettings(Setting):
    """A rule: which paths it takes, and what it says about them.

    This is the rule as written; `config.rules` compiles it.
    """

    name: str | None = Field(None, description="What `explain` and `why` call the rule. Default: its number.")
    match: Texts = Field((), description="A path template, relative to the root, or a list: the first that fits.")
    regex: str | None = Field(None, description="Instead of `match`: a regular expression (RE2) with named groups.")
    where: dict[str, str] = Field({}, description="Limits placeholders to what fits an expression (RE2).")
    set: dict[str, str] = Field({}, description="Gives or overrides targets, each from a template.")
    skip: Boolean = Field(False, description="What matches is `skipped`: known, and never imported.")
    tags: Texts = Field((), description="Tags, each from a template; an empty one is left out.")
    key_values: KeyValues | None = Field(None, description="Key-value pairs, the values from templates.")
    on: AnnotatedObject = Field("image", description="What tags and key-values go to: image, well, plate, dataset.")
    description: str | None = Field(None, description="A description of the image, from a template.")
    owner: Literal["posix"] | None = Field(None, description="`posix`: the file's owner on disk is the owner.")
    by: Literal["reader", "names"] | None = Field(None, description="Who tells the dimensions.")
    channels: dict[str, ChannelSettings] = Field({}, description="Names and colours for captured channels, in order.")
    complete: CompleteSettings | None = Field(None, description="When a file is whole: its own `settle` time.")
    associated_images: Literal["hide", "keep", "drop"] = Field(
        "hide",
        description="Label, macro and overview pictures inside files (labels carry patients' names): `hide` notes that"
        " there are some and shows nothing of them, `drop` notes nothing, `keep` keeps them for all who see the image.",
    )
    projection: Projection | None = Field(None, description="Thumbnails of z-stacks; default: the file's `thumbnails`.")
    crosscheck: Crosscheck | None = Field(None, description="As the root's `crosscheck`, for this rule.")
    layout: str | None = Field(
        None,
        description="An instrument's layout, or one of `layouts`: the rule stands for the layout's own rules, "
        "each match being this one's, `/` and the layout's. Without a `match` they begin at the root, which then is "
        "the plate or dataset: `set` names it. Everything else said here holds for all of them.",
    )
    examples: tuple[ExampleSettings, ...] = Field((), description="Paths with what they shall give; `check` runs them.")
    mark: SourceMark = Field(alias=INTERNAL + "mark")
    #: Marks of single values, by dotted key ("match", "match.0", "set.owner", "where.stain", "examples.0.gives.well").
    marks: dict[str, SourceMark] = Field({}, alias=INTERNAL + "marks")

    @property
    def said_on(self) -> AnnotatedObject | None:
        """Give what the rule itself says for `on`, None where it says nothing."""
        return self.on if "on" in self.model_fields_set else None


class WatchSettings(Setting):
    """A folder to watch, and the rules for what lies below it."""

    root: FilePath = Field(description="The folder to watch; nothing is ever written in it.")
    name: Name = Field(
        alias="name", description="The root's identity, which outlives a change of path. Default: the last component."
    )
    role: Literal["acquisition", "storage"] = Field(
        "acquisition", description="`storage` holds copies of what was acquired: it never gives new images."
    )
    events: Literal["auto", "native", "polling"] = Field(
        "auto", description="How changes are noticed; `auto` reads the mount's file system."
    )
    settle: Duration = Field(
        timedelta(seconds=10), description="No change for this long before a file counts as settled."
    )
    scan_every: PositiveDuration | None = Field(
        None,
        description="How often the whole tree is looked at. Default: 1h while events are healthy, 15m where not.",
    )
    hash: Hasher = Field(Hasher.SHA256, description="The checksum of originals: `sha256`, `blake3` or `xxh3-128`.")
    hash_now_bytes: SizeBytes = Field(
        1 << 30, alias="hash_now", description="Larger files are hashed later, once it is quiet."
    )
    ignore: Texts = Field((), description="Patterns of files and folders not to look at, added to sensible defaults.")
    seen_as: dict[str, str] = Field({}, description="How other computers call this folder, by a name for each.")
    default: DefaultOwner = Field(DefaultOwner(), description="Owner and group where the rules give none.")
    crosscheck: Crosscheck = Field(
        "hold",
        description="What happens when another known person wrote a file than the one whose folder it is in: `hold` "
        "it, `warn`, or nothing (`off`).",
    )
    rules: tuple[RuleSettings, ...] = Field((), description="The rules, tried in order; the first that matches wins.")
    mark: SourceMark = Field(alias=INTERNAL + "mark")
    #: Marks of single values, by dotted key ("root", "ignore.0", "default.group").
    marks: dict[str, SourceMark] = Field({}, alias=INTERNAL + "marks")

    @model_validator(mode="before")
    @classmethod
    def _named_by_its_last_component(cls, data: Any) -> Any:
        if isinstance(data, dict) and "name" not in data and isinstance(data.get("root"), str | Path):
            last = Path(data["root"]).name
            return data | ({"name": last} if last else {})
        return data


class ThumbnailSettings(Setting):
    """How pictures are made."""

    size_px: WholeNumber = Field(256, description="The longer side of a thumbnail, in pixels.", ge=16, le=4096)
    projection: Projection = Field("middle", description="What a z-stack shows: its `middle`, `max` or `mean`.")


class VerifySettings(Setting):
    """How the daemon reads originals again, to notice when a disk gives other bytes than were imported."""

    every: PositiveDuration = Field(timedelta(days=1), description="How often it begins.")
    fraction: Share = Field(
        Fraction(1, 30),
        description="The share of all files that is compared each time, those of the longest ago first.",
    )
    budget: Duration = Field(
        timedelta(hours=1), description="It ends after this long, whatever is left for the next time; `0s`: never."
    )


class Settings(Setting):
    """A whole, checked configuration."""

    file: Path = Field(alias=INTERNAL + "file")
    catalog: CatalogSettings = Field(CatalogSettings(), description="Where the catalogue lives.")
    state_dir: FilePath = Field(
        Path("/var/lib/coverslip"),
        description="The catalogue and the last good configuration; only the service may read it (mode 0700). "
        "Relative to this file's folder.",
    )
    groups: dict[Name, GroupSettings] = Field(
        {}, description="Groups by name. Others are made with `coverslip group add`; what stands here is fixed by it."
    )
    users: dict[Name, UserSettings] = Field(
        {}, description="People by name. Others are made with `coverslip user add`; what stands here is fixed by it."
    )
    people: PeopleSettings = Field(
        PeopleSettings(), description="Where names found in paths are looked up, and what to do with unknown ones."
    )
    #: name -> (value -> value), CSV files read already.
    lookups: dict[str, dict[str, str]] = Field(
        {}, description="Tables for the `|` filter of templates: keys with values, or the name of a CSV file."
    )
    layouts: dict[Name, tuple[RuleSettings, ...]] = Field(
        {},
        description="Layouts of your own by name, each a list of rules whose matches begin below the `match` of the "
        "rule that uses the layout. One called like a built-in layout takes its place.",
    )
    thumbnails: ThumbnailSettings = Field(ThumbnailSettings(), description="How pictures are made.")
    verify: VerifySettings = Field(
        VerifySettings(), description="How originals are read again and compared with their hashes."
    )
    workers: WholeNumber | None = Field(
        None, description="Worker processes that read files. Default: one for each core.", ge=1, le=256
    )
    watch: tuple[WatchSettings, ...] = Field((), description="The folders to watch.")
    #: The whole text, includes and tables expanded, and its SHA-256: the configuration's version.
    source_text: str = Field(alias=INTERNAL + "source_text")
    digest: bytes = Field(alias=INTERNAL + "digest")
    #: Where each key of groups, users ... stands, by dotted key ("groups.smith-lab.permissions"): what is in here
    #: is fixed by the file.
    marks: dict[str, SourceMark] = Field({}, alias=INTERNAL + "marks")
    #: What was read, for `remember_good`: each file's text by its path (bytes as surrogates), and the files that each
    #: pattern of ``include:`` named, as (folder, pattern, paths).
    read_texts: dict[str, str] = Field({}, alias=INTERNAL + "read_texts", repr=False)
    read_patterns: tuple[tuple[str, str, tuple[str, ...]], ...] = Field(
        (), alias=INTERNAL + "read_patterns", repr=False
    )
