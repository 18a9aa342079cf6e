"""Real-life folder layouts, driven like a facility manager: check, explain before the files exist, import, look."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.layouts import LAYOUTS, Layout, configuration
from tests.helpers.pictures import png_bytes, put, tiff_bytes
from tests.helpers.program import Site

BY_NAME = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facility:
    """What the program said: explained before the files were there and after, and the images by their paths."""

    site: Site
    before: Mapping[Path, Any]
    after: Mapping[Path, Any]
    images: Mapping[str, Any]

    def path(self, layout: Layout, name: str | bytes) -> Path:
        return self.site.folder / "data" / layout.name / os.fsdecode(name)

    def image(self, layout: Layout, name: str | bytes) -> Any:
        raw = name if isinstance(name, bytes) else name.encode()
        return self.images.get(f"{layout.name}:{raw.decode('utf-8', 'backslashreplace')}")

    def container(self, kind: str, name: str) -> Any:
        found = [row for row in _flat(self.site.json("tree")) if (row["type"], row["name"]) == (kind, name)]
        assert len(found) == 1, found
        return self.site.json("show", f"{kind}:{found[0]['id']}")


def _flat(rows: list[Any]) -> list[Any]:
    return [found for row in rows for found in [row, *_flat(row["children"])]]


@pytest.fixture(scope="module")
def facility(tmp_path_factory: pytest.TempPathFactory) -> Facility:
    site = Site(folder=tmp_path_factory.mktemp("layouts"))
    site.configure(configuration())
    for layout in LAYOUTS:
        (site.folder / "data" / layout.name).mkdir(parents=True)
    checked = site.ask("check")
    assert checked.code == 0, checked.out
    paths = [site.folder / "data" / layout.name / os.fsdecode(name) for layout in LAYOUTS for name in layout.files]
    site.json("import")
    before = site.json("explain", *paths)
    for number, path in enumerate(paths):
        put(path, png_bytes(number) if path.suffix in (".png", ".jpg") else tiff_bytes(number))
    for layout in LAYOUTS:
        for name, text in layout.beside.items():
            put(site.folder / "data" / layout.name / name, text.encode())
    site.json("import")
    return Facility(
        site=site,
        before=dict(zip(paths, before, strict=True)),
        after=dict(zip(paths, site.json("explain", *paths), strict=True)),
        images={f"{file['root']}:{file['path']}": row for row in site.images() for file in row["files"]},
    )


@BY_NAME
def test_a_layout_becomes_the_images_that_people_expect(facility: Facility, layout: Layout) -> None:
    wrong = []
    for name, expected in layout.files.items():
        row = facility.image(layout, name)
        if isinstance(expected, str):
            wrong += [f"{name!r} was imported"] if row is not None else []
        elif row is None:
            wrong.append(f"{name!r} was not imported: {facility.site.state_of(facility.path(layout, name))}")
        else:
            wrong += [f"{name!r}: {k} is {row[k]!r}, not {v!r}" for k, v in expected.items() if not _is_same(row[k], v)]
    assert not wrong, "\n".join(wrong)


@BY_NAME
def test_what_a_layout_does_not_take_is_in_a_state_with_the_reason(facility: Facility, layout: Layout) -> None:
    wrong = []
    for name, expected in layout.files.items():
        if isinstance(expected, str):
            state, reason = facility.site.state_of(facility.path(layout, name))
            wanted, _, part = expected.partition(": ")
            if state != wanted or part not in reason:
                wrong.append(f"{name!r} is {state} ({reason}), not {expected}")
    assert not wrong, "\n".join(wrong)


@BY_NAME
def test_explain_says_beforehand_what_the_import_does(facility: Facility, layout: Layout) -> None:
    wrong = []
    for name, expected in layout.files.items():
        said, row = facility.before[facility.path(layout, name)], facility.image(layout, name)
        assert len(said["tried"]) >= layout.rules.count("- match") + layout.rules.count("- regex")
        if row is None:
            assert isinstance(expected, str)
            # What only the file can tell is not known from its path.
            is_known = layout.name not in ("platewells", "posix")
            wrong += (
                [f"{name!r} is {said['outcome']}"] if is_known and said["outcome"] != expected.split(":")[0] else []
            )
            continue
        found = {key: said["placement"].get(key) for key in ("project", "dataset", "screen", "plate", "well")}
        found |= {key: said[key] for key in ("owner", "group", "rule")}
        found["name"] = said["image"]
        wrong += [f"{name!r}: {k} was explained as {v!r}, is {row[k]!r}" for k, v in found.items() if v != row[k]]
    assert not wrong, "\n".join(wrong)


def test_explain_says_the_same_once_the_files_are_there(facility: Facility) -> None:
    # Only posix asks the file itself.
    there = {path: said for path, said in facility.after.items() if "/posix/" not in str(path)}
    assert there == {path: facility.before[path] for path in there}


def test_tags_and_key_values_go_to_wells_and_datasets_where_the_rule_says_so(facility: Facility) -> None:
    dataset = facility.container("dataset", "film")
    assert dataset["key_values"] == [["Time", "23:59"]]
    assert facility.site.images("--tag", "dead") == []
    plate = facility.container("plate", "Plate 7")
    wells = {well["name"]: well for well in plate["children"]}
    assert set(wells) == {"A1", "H12"}
    assert facility.site.json("show", f"well:{wells['H12']['id']}")["tags"] == ["dead"]


def _is_same(found: object, wanted: object) -> bool:
    if isinstance(wanted, list) and isinstance(found, list):
        return sorted(map(str, found)) == sorted(map(str, wanted))
    return found == wanted


def test_a_table_beside_the_plate_gives_its_wells_key_values_and_an_edit_is_picked_up(facility: Facility) -> None:
    def wells() -> dict[str, list[list[str]]]:
        plate = facility.container("plate", "T1")
        found = [facility.site.json("show", f"well:{well['id']}") for well in plate["children"]]
        return {well["name"]: well["key_values"] for well in found}

    assert wells() == {"A1": [["Gene", "PLK1"], ["Dose", "10 nM"]], "A2": []}
    images = {row["id"]: row["sizes"] for row in facility.site.images("--plate", "T1")}
    put(facility.site.folder / "data/tables/S/T1/platemap.csv", b"Well;Gene;Dose\nA1;TP53;10 nM\nr01c02;KIF11;1 nM\n")
    facility.site.json("import")
    assert wells() == {"A1": [["Dose", "10 nM"], ["Gene", "TP53"]], "A2": [["Gene", "KIF11"], ["Dose", "1 nM"]]}
    assert {row["id"]: row["sizes"] for row in facility.site.images("--plate", "T1")} == images
    assert all("pixels_replaced" not in str(row) for row in facility.site.images("--plate", "T1"))
