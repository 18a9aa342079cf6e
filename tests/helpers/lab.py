"""A small laboratory in a catalogue: people, groups, containers and images, put there row by row."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert

from catalog.acting import resolve_acting
from catalog.engine import Catalogue
from catalog.models.annotations import Annotation, AnnotationLink, MapPair
from catalog.models.containers import (
    Dataset,
    DatasetImageLink,
    Plate,
    PlateAcquisition,
    Project,
    ProjectDatasetLink,
    Screen,
    ScreenPlateLink,
    Well,
    WellSample,
)
from catalog.models.images import Channel, Image, OriginalFile, Thumbnail
from catalog.models.ingest import Directory, Fileset, Job, Reason, Root, Sighting
from catalog.models.people import Experimenter, ExperimenterGroup, Membership
from catalog.names import path_hash
from catalog.permissions import Acting

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
#: A name with a terminal's control characters and a mark that turns the direction of writing.
HOSTILE = "esc-\x1b[31mred\u202e"


class Lab:
    """Adds rows with as few words as a test needs; every method gives the new row's id."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._numbers = itertools.count(1)
        self._directories: dict[tuple[int, bytes], int] = {}
        self._group_of: dict[tuple[str, int], tuple[int, int]] = {}

    def _add(self, table: Any, **values: Any) -> int:
        with self.catalogue.writing() as connection:
            return self._add_in(connection, table, **values)

    def _add_in(self, connection: Connection, table: Any, **values: Any) -> int:
        key = connection.execute(insert(table).values(**values)).inserted_primary_key
        assert key is not None
        return int(key[0])

    def group(self, name: str, permissions: str = "read-annotate") -> int:
        return self._add(ExperimenterGroup, name=name, permissions=permissions, created_at=NOW)

    def person(self, name: str, *groups: int, owns: tuple[int, ...] = (), is_administrator: bool = False) -> int:
        person = self._add(Experimenter, name=name, is_administrator=is_administrator, created_at=NOW)
        for group in groups:
            self._add(
                Membership,
                experimenter_id=person,
                group_id=group,
                source="hand",
                is_owner=group in owns,
                created_at=NOW,
            )
        return person

    def acting(self, name: str) -> Acting:
        with self.catalogue.reading() as connection:
            return resolve_acting(connection, name, now=NOW, writes_database=False)

    def root(self, name: str = "scope", *, role: str = "acquisition", **values: Any) -> int:
        return self._add(Root, name=name, path=b"/data/" + name.encode(), role=role, **values)

    def directory(self, root: int, path: bytes) -> int:
        if (root, path) not in self._directories:
            self._directories[root, path] = self._add(
                Directory, root_id=root, path=path, path_hash=path_hash(path), is_listed_whole=True
            )
        return self._directories[root, path]

    def sighting(self, root: int, path: bytes, disposition: str = "member", **values: Any) -> None:
        directory, _, name = path.rpartition(b"/")
        reason = values.pop("reason", None)
        if reason is not None:
            values["reason_id"] = self._add(Reason, sentence=reason)
        row = {"size_bytes": 10, "mtime_ns": 1, "ctime_ns": 1, "inode": next(self._numbers)} | values
        directory_id = self.directory(root, directory)
        self._add(Sighting, directory_id=directory_id, name=name, disposition=disposition, **row)

    def fileset(self, root: int, *, owner: int | None = None, group: int | None = None, **values: Any) -> int:
        number = next(self._numbers)
        row = {
            "placement": {},
            "seen_digest": b"s" * 16,
            "done_digest": b"s" * 16,
            "first_seen_at": NOW,
        } | values
        return self._add(Fileset, root_id=root, key=number.to_bytes(16, "big"), owner_id=owner, group_id=group, **row)

    def original(self, fileset: int, *, ordinal: int = 0, content: str = "", size_bytes: int = 10) -> int:
        text = content or f"content {next(self._numbers)}"
        return self._add(
            OriginalFile,
            fileset_id=fileset,
            ordinal=ordinal,
            size_bytes=size_bytes,
            hash=text,
            hasher="sha256",
            fingerprint=path_hash(text.encode()),
            created_at=NOW,
        )

    def job(self, fileset: int, state: str, *, kind: str = "import", **values: Any) -> None:
        self._add(Job, fileset_id=fileset, kind=kind, digest=b"s" * 16, priority=1, state=state, **values)

    def image(
        self,
        owner: int,
        group: int,
        name: str = "image",
        *,
        root: int,
        path: bytes | None = None,
        content: str = "",
        minutes: int | None = None,
        **values: Any,
    ) -> int:
        """Add an image with its fileset, file, place, channel and picture, imported ``minutes`` after NOW."""
        number = next(self._numbers)
        fileset = self.fileset(root, owner=owner, group=group)
        original = self.original(fileset, content=content)
        where = path or f"{name}-{number}.tif".encode()
        self.sighting(root, where, fileset_id=fileset, original_file_id=original)
        at = NOW + timedelta(minutes=number if minutes is None else minutes)
        row = {
            "size_x": 4, "size_y": 3, "size_z": 1, "size_c": 1, "size_t": 1, "pixels_type": "uint16", "format": "TIFF",
            "owner_by": "folder 'x' (rule scope#1)", "rule": "scope#1", "created_at": at, "updated_at": at,
        } | values  # fmt: skip
        image = self._add(Image, name=name, owner_id=owner, group_id=group, fileset_id=fileset, **row)
        self._add(Channel, image_id=image, ordinal=0, name="DAPI", color="#0000FF", emission_wavelength_nm=460.0)
        self._add(
            Thumbnail, image_id=image, media_type="image/jpeg", width_px=4, height_px=3, data=b"jpeg", made_at=NOW
        )
        self._group_of["image", image] = (owner, group)
        return image

    def container(self, table: Any, owner: int, group: int, name: str, **values: Any) -> int:
        made = self._add(table, name=name, owner_id=owner, group_id=group, created_at=NOW, updated_at=NOW, **values)
        self._group_of[table.__tablename__, made] = (owner, group)
        return made

    def project(self, owner: int, group: int, name: str) -> int:
        return self.container(Project, owner, group, name)

    def dataset(self, owner: int, group: int, name: str, *, project: int | None = None) -> int:
        made = self.container(Dataset, owner, group, name)
        if project is not None:
            self.link(ProjectDatasetLink, group, owner, project_id=project, dataset_id=made)
        return made

    def screen(self, owner: int, group: int, name: str) -> int:
        return self.container(Screen, owner, group, name)

    def plate(self, owner: int, group: int, name: str, *, screen: int | None = None, **values: Any) -> int:
        made = self.container(Plate, owner, group, name, **values)
        if screen is not None:
            self.link(ScreenPlateLink, group, owner, screen_id=screen, plate_id=made)
        return made

    def link(self, table: Any, group: int, owner: int, **ends: int) -> None:
        self._add(table, group_id=group, owner_id=owner, created_at=NOW, **ends)

    def put(self, image: int, dataset: int, *, by: int | None = None) -> None:
        owner, group = self._group_of["image", image]
        self.link(DatasetImageLink, group, by or owner, dataset_id=dataset, image_id=image)

    def run(self, plate: int, name: str = "Run 1") -> int:
        return self._add(PlateAcquisition, plate_id=plate, name=name, created_at=NOW)

    def well(self, plate: int, row: int, column: int) -> int:
        return self._add(Well, plate_id=plate, row=row, column=column)

    def sample(self, image: int, plate: int, well: int, run: int, field: int = 0) -> None:
        owner, group = self._group_of["image", image]
        self._add(
            WellSample,
            image_id=image,
            plate_id=plate,
            well_id=well,
            plate_acquisition_id=run,
            field=field,
            group_id=group,
            owner_id=owner,
            created_at=NOW,
        )

    def annotate(
        self, owner: int, group: int, kind: str, value: str | None = None, *, pairs: Any = (), by: int = 0, **ends: int
    ) -> int:
        """Add an annotation and its link to ``image_id=`` (or another end); ``by`` owns the link."""
        annotation = self._add(
            Annotation, kind=kind, value=value, owner_id=owner, group_id=group, created_at=NOW, updated_at=NOW
        )
        for ordinal, (key, text) in enumerate(pairs):
            self._add(MapPair, annotation_id=annotation, ordinal=ordinal, key=key, value=text)
        self._add(
            AnnotationLink,
            annotation_id=annotation,
            group_id=group,
            owner_id=by or owner,
            created_at=NOW,
            **ends,
        )
        return annotation
