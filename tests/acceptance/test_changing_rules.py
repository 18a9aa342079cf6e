"""An edit of the rules as docs/changing-rules.md tells it, and one beside a running daemon."""

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from tests.helpers.pictures import put, tiff_bytes
from tests.helpers.program import PATIENCE_S, PROGRAM, Site, wait_until

PAGE = Path(__file__).parents[2] / "docs" / "changing-rules.md"
_BLOCK = re.compile(r"^```(yaml|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = (
    "ab3c/mitosis/20260504_cell1",
    "ab3c/mitosis/20260504_cell2",
    "cd4e/meiosis/20260505_cell3",
    "cd4e/meiosis/test",
)


def told(out: str) -> str:
    """Give what a command printed, without what differs from run to run."""
    same_time = re.sub(r"[0-9.]+ MB read in [0-9.]+ s", "0.1 MB read in 0.5 s", out)
    return re.sub(r"\b(project|dataset):\d\b", r"\1:1", same_time).strip()


@pytest.fixture
def facility(tmp_path: Path) -> Site:
    for number, name in enumerate(FILES):
        put(tmp_path / f"data/smith-lab/{name}.tif", tiff_bytes(number))
    return Site(folder=tmp_path)


def test_the_page_tells_what_the_program_does(facility: Site) -> None:
    blocks = _BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    text = blocks[0][1]
    facility.configure(text)
    for kind, block in blocks[1:]:
        if kind == "yaml":
            start = text.index("      - match:")
            facility.configure(text[:start] + block)
            continue
        for shown in re.split(r"^\$ coverslip ", block, flags=re.MULTILINE)[1:]:
            command, _, expected = shown.partition("\n")
            done = facility.run(*command.split())
            assert told(done.out) == told(expected), command
            assert done.code == 0, done


def assert_nothing_is_done_after_a_no(site: Site) -> None:
    """Answer the question of `apply` on a terminal."""
    ours, terminal = pty.openpty()
    try:
        asked = subprocess.Popen(
            [str(PROGRAM), "apply"], env=site.environ, cwd=site.folder, stdin=terminal, stdout=-1, stderr=-1, text=True
        )
        os.write(ours, b"n\n")
        out, err = asked.communicate(timeout=PATIENCE_S)
    finally:
        os.close(ours)
        os.close(terminal)
    assert "file 1 catalogued files anew? [y/N]" in err
    assert "nothing was changed" in out
    assert asked.returncode == 0


def test_rules_are_applied_beside_a_daemon_and_a_bad_edit_is_not(site: Site) -> None:
    first = put(site.folder / "data/smith-lab/ab3c/mitosis/day1/a.tif", tiff_bytes(1))
    good = site.configuration.read_text()
    with site.daemon():
        wait_until(lambda: site.state_of(first)[0] == "imported")
        site.configure(good.replace("{dataset}", "{datset"))
        assert site.ask("plan").code == site.run("apply", "--yes").code == 2
        site.configure(good.replace("[{dataset}/**/]", "{day}/") + "        set: {dataset: 'of {day}'}\n")
        assert site.ask("plan", "--as", "ab3c").code == 3
        assert site.run("apply").code == 2
        assert_nothing_is_done_after_a_no(site)
        done = site.json("apply", "--yes")
        assert (done["done"], done["failed"], done["problems"]) == (1, 0, [])
        second = put(site.folder / "data/smith-lab/ab3c/mitosis/day1/b.tif", tiff_bytes(2))
        wait_until(lambda: site.state_of(second)[0] == "imported")
        wait_until(lambda: {row["dataset"] for row in site.images()} == {"of day1"})
    assert site.json("plan")["summary"]["to_do"] == 0
