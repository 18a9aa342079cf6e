"""Bad input gets one clear sentence (what, where, what to do), the right exit code, and nothing is lost."""

import json
import os
import re
import sqlite3
from pathlib import Path

import pytest
import tifffile

from config.loader import load
from config.problems import ConfigurationError
from tests.acceptance.conftest import CONFIGURATION
from tests.helpers.pictures import ome_tiff_bytes, put, tiff_bytes
from tests.helpers.program import Site, wait_until

RULE = "- match: '{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}'"

WRONG = {
    "yaml that is none": (CONFIGURATION + "\n  - [unclosed", r"coverslip\.yaml:\d+:\d+: "),
    "an unknown key": (CONFIGURATION.replace("settle:", "setle:"), r":\d+:5: .*setle.*settle"),
    "a duplicate key": (CONFIGURATION + "state_dir: /tmp/x\n", r":\d+:1: state_dir: .*given before"),
    "a root that does not exist": (CONFIGURATION.replace("@/data", "@/nowhere"), r":\d+:\d+: .*nowhere"),
    "a root in another": (
        CONFIGURATION + "  - root: @/data/sub\n    rules:\n      " + RULE + "\n",
        r":\d+:\d+: .*(inside|contain|lies in)",
    ),
    "an unknown group": (CONFIGURATION.replace("jones: {}", "jones: {default_group: jonse-lab}"), r"jonse-lab"),
    "a rule that cannot match": (CONFIGURATION.replace("{image}.{ext}'", "{image}.docx'"), r":\d+:\d+: "),
    "two kinds of target": (CONFIGURATION.replace("{project}/[", "{project}/{plate}/{well}/["), r":\d+:\d+: "),
    "an unknown type": (CONFIGURATION.replace("{project}", "{project:itn}"), r":\d+:\d+: .*itn"),
    "an unclosed bracket": (CONFIGURATION.replace("**/]", "**/"), r":\d+:\d+: "),
    "a wrong duration": (CONFIGURATION.replace("300ms", "300 parsecs"), r":\d+:\d+: .*settle.*parsecs"),
    "a wrong level": (CONFIGURATION.replace("read-annotate", "read-anotate"), r"read-anotate.*read-annotate"),
    "an unquoted template": (CONFIGURATION.replace(RULE, RULE.replace("'", "")), r"single quotes"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_configuration_is_named_with_file_line_and_column(site: Site, name: str) -> None:
    text, pattern = WRONG[name]
    (site.folder / "data/sub").mkdir()
    site.configure(text)
    done = site.ask("check")
    assert done.code == 2, done
    assert re.search(pattern, done.out + done.err), done
    machine = site.ask("check", "--json")
    assert machine.code == 2
    document = json.loads(machine.out)
    assert not document["ok"]
    assert document["problems"][0]["line"] >= 1


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_configuration_is_refused_where_files_are_read(site: Site, name: str) -> None:
    """A share that is away must not keep the service from starting; everything else must."""
    (site.folder / "data/sub").mkdir()
    site.configure(WRONG[name][0])
    if name == "a root that does not exist":
        assert load(site.configuration, environ={}).watch
        return
    with pytest.raises(ConfigurationError):
        load(site.configuration, environ={})


@pytest.mark.parametrize("command", ["check", "import", "run"])
def test_the_program_ends_with_2_where_a_wrong_configuration_is_refused(site: Site, command: str) -> None:
    site.configure(WRONG["an unknown key"][0])
    assert site.run(command).code == 2


def test_all_problems_are_told_at_once(site: Site) -> None:
    site.configure(CONFIGURATION.replace("settle:", "setle:").replace("members: [ef5g]", "membres: [ef5g]"))
    document = json.loads(site.ask("check", "--json").out)
    assert len(document["problems"]) >= 2


def test_a_good_configuration_is_said_to_be_good(site: Site) -> None:
    done = site.ask("check", "--json")
    assert done.code == 0
    assert json.loads(done.out)["ok"]


def test_a_world_writable_configuration_is_refused(site: Site) -> None:
    site.configuration.chmod(0o666)
    done = site.ask("check")
    assert done.code == 2
    assert "writ" in done.err + done.out


def test_nobody_is_taken_for_a_machine_account_or_for_a_member_of_another_group(site: Site) -> None:
    expected: dict[Path, tuple[str, ...]] = {
        put(site.folder / "data/jones-lab/ab3c/p/one.tif", tiff_bytes()): ("ab3c", "jones-lab")
    }
    for number, name in enumerate(("root", "users", "nobody", "staff")):
        expected[put(site.folder / f"data/smith-lab/{name}/p/one.tif", tiff_bytes(number))] = (name,)
        expected[put(site.folder / f"data/{name}/ab3c/p/two.tif", tiff_bytes(10 + number))] = (name,)
    site.run("import")
    for held, names in expected.items():
        state, reason = site.state_of(held)
        assert state == "held"
        assert all(name in reason for name in names)
    assert site.images() == []


OUTSIDE = ("../../../cd4e/p/theirs.tif", "/etc/passwd", "file:///etc/passwd", "C:\\x.tif")


def test_an_ome_tiff_that_names_a_file_outside_its_folder_is_quarantined(site: Site) -> None:
    put(site.folder / "data/smith-lab/cd4e/p/theirs.tif", tiff_bytes(8))
    thieves = [
        make_thief(site.folder / f"data/smith-lab/ab3c/p/thief{number}.ome.tif", named)
        for number, named in enumerate(OUTSIDE)
    ]
    site.run("import", "--no-wait")
    with site.daemon():
        for path in thieves:
            wait_until(lambda: site.state_of(path)[0] in ("quarantined", "held"))  # noqa: B023 - waited for here
            state, reason = site.state_of(path)
            assert state == "quarantined"
            assert "outside" in reason
        wait_until(lambda: {row["name"] for row in site.images()} == {"theirs"})
    assert {row["name"] for row in site.images()} == {"theirs"}


def make_thief(path: Path, named: str) -> Path:
    """Write an OME-TIFF whose description says that a plane lies in the named file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(ome_tiff_bytes(channels=("A",), size_z=1))
    xml = str(tifffile.tiffcomment(path))
    uuid = f'<UUID FileName="{named}">urn:uuid:11111111-1111-1111-1111-111111111111</UUID></TiffData>'
    changed = re.sub(r"(<TiffData[^>]*?)\s*(/>|></TiffData>)", lambda m: m.group(1) + ">" + uuid, xml)
    assert changed != xml
    tifffile.tiffcomment(path, changed.encode())
    return path


def test_an_empty_and_a_truncated_file_say_what_is_wrong(site: Site) -> None:
    empty = put(site.folder / "data/smith-lab/ab3c/p/empty.tif", b"")
    cut = put(site.folder / "data/smith-lab/ab3c/p/cut.tif", tiff_bytes(size_px=128)[:-3000])
    with site.daemon():
        wait_until(lambda: site.state_of(cut)[0] not in ("", "settling", "ready", "importing"))
        wait_until(lambda: site.state_of(empty)[0] not in ("", "settling", "ready", "importing"))
        assert "empty" in site.state_of(empty)[1]
        assert site.state_of(cut)[1]
    assert site.images() == []


def test_a_catalogue_of_a_newer_version_is_refused(site: Site) -> None:
    site.json("import")
    with sqlite3.connect(site.state / "catalog.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from_the_future'")
    connection.close()
    for command in ("tree", "import", "run"):
        done = site.run(command)
        assert done.code == 5, (command, done)
        assert "newer" in done.err


def test_a_missing_catalogue_says_what_to_do(site: Site) -> None:
    done = site.ask("tree")
    assert done.code == 5
    assert "coverslip" in done.err


def test_postgresql_out_of_reach_is_one_sentence(site: Site) -> None:
    site.configure("catalog: {url: 'postgresql+psycopg://nobody@127.0.0.1:1/none'}\n" + CONFIGURATION)
    done = site.run("tree")
    assert done.code == 5
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere; the normal-user run of CI shows it")
def test_a_read_only_state_directory_is_one_sentence(site: Site) -> None:
    site.state.mkdir()
    site.state.chmod(0o500)
    done = site.run("import")
    assert done.code == 5
    assert str(site.state) in done.err


def test_a_state_directory_that_is_a_file_is_one_sentence(site: Site) -> None:
    site.state.write_text("")
    done = site.run("import")
    assert done.code == 5
    assert str(site.state) in done.err


def test_unknown_objects_users_groups_and_usage_have_their_exit_codes(site: Site) -> None:
    site.json("import")
    assert site.run("show", "image:99").code == 3
    assert site.ask("show", "nonsense").code == 2
    assert site.ask("images", "--limit", "many").code == 2
    assert site.run("frobnicate").code == 2
    assert site.ask("group", "join", "smith-lab", "nobody-known").code == 3
    assert site.ask("group", "show", "no-such-lab").code == 3
    assert site.ask("why", site.folder / "data/never.tif").code == 3
    fixed = site.ask("group", "permissions", "smith-lab", "private")
    assert fixed.code == 1
    assert re.search(r"coverslip\.yaml:\d+", fixed.err)


def test_pictures_are_never_written_over_a_file_or_through_a_link(site: Site) -> None:
    put(site.folder / "data/smith-lab/ab3c/p/one.tif", tiff_bytes())
    site.json("import")
    (row,) = site.images()
    there = put(site.folder / "there.jpg", b"mine")
    link = site.folder / "link.jpg"
    link.symlink_to(Path("/nonexistent/../" + str(there)))
    for out in (there, link):
        assert site.run("thumbnail", f"image:{row['id']}", "-o", out).code == 1
    assert there.read_bytes() == b"mine"


def test_nothing_is_imported_from_the_folder_that_a_command_is_called_in(site: Site) -> None:
    for name in ("ingest", "daemon", "catalog", "numpy"):
        (site.folder / name).mkdir(exist_ok=True)
        (site.folder / name / "__init__.py").write_text("raise SystemExit('run from where it was called')\n")
    put(site.folder / "data/smith-lab/ab3c/cells/day1/a.tif", tiff_bytes(1))
    done = site.run("import", "--json")
    assert done.code == 0, done
    assert done.json["imported"] == 1, done
