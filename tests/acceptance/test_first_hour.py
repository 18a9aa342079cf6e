"""A facility manager's first hour as docs/first-hour.md tells it: every command is run, and says what stands there."""

import re
from contextlib import ExitStack
from pathlib import Path

from tests.helpers.pictures import put, tiff_bytes
from tests.helpers.program import Site, wait_until

PAGE = Path(__file__).parents[2] / "docs" / "first-hour.md"
_BLOCK = re.compile(r"^```(diff|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IMAGES = (
    "smith-lab/ab3c/20260504/cell1.tif",
    "smith-lab/ab3c/20260504/cell2.tif",
    "smith-lab/ab3c/20260511/cell1.tif",
    "smith-lab/cd4e/20260504/neuron1.tif",
)
BESIDE = ("smith-lab/cd4e/20260504/neuron1_thumb.png", "README.png")


def told(out: str, folder: Path) -> str:
    """Give what a command printed, without what differs by run: the folder, ids, widths, where comments are wrapped."""
    same_place = out.replace(str(folder), "/srv")
    same_ids = re.sub(r"\b(project|dataset):\d+\b", r"\1:1", same_place)
    same_widths = re.sub(r"(?<=\S) {2,}", "  ", same_ids)
    return re.sub(r"\n *# {2,}(?=\S)", " ", same_widths).strip()


def edited(text: str, diff: str) -> str:
    """Do the edit of a page: one line for another."""
    (old,) = re.findall(r"^-(.*)$", diff, re.MULTILINE)
    (new,) = re.findall(r"^\+(.*)$", diff, re.MULTILINE)
    assert text.count(old) == 1
    return text.replace(old, new)


def test_the_first_hour_goes_as_it_is_told(tmp_path: Path) -> None:
    site = Site(folder=tmp_path)
    for number, name in enumerate((*IMAGES, *BESIDE)):
        put(tmp_path / "data" / name, tiff_bytes(number))
    with ExitStack() as ending:
        for kind, block in _BLOCK.findall(PAGE.read_text(encoding="utf-8")):
            if kind == "diff":
                before = site.json("status")["config"]["version"]
                site.configure(edited(site.configuration.read_text(), block))
                wait_until(lambda: site.json("status")["config"]["version"] != before, every_s=1.0)  # noqa: B023 - asked at once
                continue
            for shown in re.split(r"^\$ coverslip ", block, flags=re.MULTILINE)[1:]:
                command, _, expected = shown.partition("\n")
                if command == "run":
                    ending.enter_context(site.daemon())
                    wait_until(lambda: len(site.images()) == len(IMAGES), every_s=1.0)
                    continue
                done = site.run(*command.split())
                assert done.code == 0, done
                assert told(done.out, tmp_path) == told(expected, tmp_path), command
