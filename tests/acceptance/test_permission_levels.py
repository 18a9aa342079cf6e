"""The four examples of permission levels: a PI with two students, seen through the program at each level."""

from pathlib import Path

import pytest

from tests.helpers.pictures import put, tiff_bytes
from tests.helpers.program import ALONE, Done, Site

NAMES = {"ab3c": "ada", "cd4e": "charles"}


@pytest.fixture
def lab(site: Site) -> Site:
    """Give a catalogue in which each of two students of one group has one image."""
    site.configure(site.configuration.read_text().replace("    permissions: read-annotate\n", ""))
    for login, name in NAMES.items():
        put(site.folder / f"data/smith-lab/{login}/thesis/{name}.tif", tiff_bytes(len(name)))
    put(site.folder / "data/jones-lab/ef5g/other/outside.tif", tiff_bytes(50))
    assert site.json("import")["imported"] == 3
    return site


def level(lab: Site, name: str) -> None:
    done = lab.ask("group", "permissions", "smith-lab", name)
    assert done.code == 0, done


def seen(lab: Site, acting: str) -> set[str]:
    return {row["name"] for row in lab.images(acting=acting)}


def image_of(lab: Site, name: str) -> str:
    return next(f"image:{row['id']}" for row in lab.images() if row["name"] == name)


def tag(lab: Site, acting: str, image: str) -> Done:
    return lab.ask("tag", "add", image, f"by {acting}", "--as", acting)


def tree_counts(lab: Site, acting: str) -> list[tuple[str, int]]:
    return sorted((row["owner"], row["images"]) for row in lab.json("tree", "--as", acting))


def members_seen(lab: Site, acting: str) -> str:
    return lab.ask("group", "show", "smith-lab", "--as", acting).out


def test_private_the_pi_sees_all_and_annotates_nothing_and_students_see_only_their_own(lab: Site) -> None:
    level(lab, "private")
    assert seen(lab, "js2x") == {"ada", "charles"}
    assert seen(lab, "ab3c") == {"ada"}
    assert seen(lab, "cd4e") == {"charles"}
    assert tree_counts(lab, "ab3c") == [("ab3c", 1)]
    assert tag(lab, "ab3c", image_of(lab, "ada")).code == 0
    assert tag(lab, "js2x", image_of(lab, "ada")).code == 1
    hidden = image_of(lab, "charles")
    for command in (["show", hidden], ["thumbnail", hidden, "-o", "x.jpg"], ["history", hidden]):
        run = lab.run if command[0] in ALONE else lab.ask
        done = run(*command, "--as", "ab3c")
        assert done.code == 3, (command, done)
        assert "charles" not in done.out + done.err
        unknown = run(*[part.replace(hidden, "image:999") for part in command], "--as", "ab3c")
        assert unknown.err.replace("image:999", hidden) == done.err
    assert tag(lab, "ab3c", hidden).code == 3
    assert "cd4e" not in members_seen(lab, "ab3c")
    assert "cd4e" in members_seen(lab, "js2x")


def test_read_only_students_see_each_other_and_annotate_only_their_own(lab: Site) -> None:
    level(lab, "read-only")
    assert seen(lab, "ab3c") == seen(lab, "cd4e") == {"ada", "charles"}
    assert "cd4e" in members_seen(lab, "ab3c")
    assert tag(lab, "js2x", image_of(lab, "ada")).code == 0
    assert tag(lab, "ab3c", image_of(lab, "ada")).code == 0
    refused = tag(lab, "ab3c", image_of(lab, "charles"))
    assert refused.code == 1
    assert "read-only" in refused.err


def test_read_annotate_students_annotate_each_other_and_nobody_removes_anothers(lab: Site) -> None:
    level(lab, "read-annotate")
    image = image_of(lab, "charles")
    assert tag(lab, "ab3c", image).code == 0
    assert tag(lab, "js2x", image).code == 0
    assert lab.ask("tag", "rm", image, "by js2x", "--as", "ab3c").code == 1
    assert lab.ask("tag", "rm", image, "by ab3c", "--as", "ab3c").code == 0
    assert tag(lab, "ab3c", image).code == 0
    assert lab.ask("tag", "rm", image, "by ab3c", "--as", "cd4e").code == 0
    row = next(row for row in lab.images(acting="ab3c") if row["name"] == "charles")
    assert row["permissions"] == {"can_annotate": True, "can_edit": False, "can_delete": False, "can_link": False} or (
        row["permissions"]["can_annotate"] and not row["permissions"]["can_edit"]
    )


def test_read_write_students_may_change_and_remove_each_others(lab: Site) -> None:
    level(lab, "read-write")
    image = image_of(lab, "charles")
    assert tag(lab, "js2x", image).code == 0
    assert lab.ask("tag", "rm", image, "by js2x", "--as", "ab3c").code == 0
    row = next(row for row in lab.images(acting="ab3c") if row["name"] == "charles")
    assert row["permissions"]["can_edit"]
    assert row["permissions"]["can_delete"]


def test_an_outsider_sees_nothing_at_any_level(lab: Site) -> None:
    for name in ("private", "read-only", "read-annotate", "read-write"):
        level(lab, name)
        assert seen(lab, "ef5g") == {"outside"}
        assert [row["owner"] for row in lab.json("tree", "--as", "ef5g")] == ["ef5g"]
        assert lab.ask("group", "show", "smith-lab", "--as", "ef5g").code == 3


def test_who_leaves_the_group_sees_nothing_of_it_and_the_data_stays(lab: Site) -> None:
    text = lab.configuration.read_text()
    lab.configure(text.replace("members: [ab3c, cd4e]", "members: [cd4e]"))
    lab.json("import")
    assert seen(lab, "ab3c") == set()
    assert "ada" in seen(lab, "js2x")


def test_only_administrators_and_the_service_may_act_as_others(lab: Site) -> None:
    assert lab.ask("images", "--as", "nobody-known").code == 3
    held = Path(lab.folder / "data/smith-lab/qq/thesis/q.tif")
    put(held, tiff_bytes(60))
    lab.run("import")
    assert lab.ask("queue", "held").out.count("q.tif") == 1
    assert "q.tif" not in lab.ask("queue", "held", "--as", "ab3c").out
    assert lab.ask("why", held, "--as", "ab3c").code == 3
