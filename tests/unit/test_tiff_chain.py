"""Long chains of equal image directories: all are checked at once, and the first that differs ends the run."""

import io
import struct
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import tifffile

from ingest.readers.protocol import DamagedError, NotWholeError, Source
from ingest.readers.tiff_chain import Offsets
from ingest.readers.tiff_structure import walk

PAGES, BROKEN = 40, 25
KINDS = [("<", False), (">", False), ("<", True), (">", True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A written TIFF, where its directories lie, and where one of them has its pixels' place and its link."""

    content: bytes
    offsets: list[int]
    place_at: int
    link_at: int
    field: str

    def with_field(self, at: int, value: int) -> bytes:
        """Give the content with one offset written anew."""
        changed = bytearray(self.content)
        struct.pack_into(self.field, changed, at, value)
        return bytes(changed)


@cache
def chain_of(order: str, is_big: bool) -> Chain:
    """Write many equal planes, one piece of pixels each, with all directories behind the pixels."""
    written = io.BytesIO()
    planes = np.arange(PAGES * 64, dtype=np.uint16).reshape(PAGES, 8, 8)
    tifffile.imwrite(written, planes, byteorder=order, bigtiff=is_big, ome=True)  # type: ignore[arg-type]  # < or >
    written.seek(0)
    with tifffile.TiffFile(written) as file:
        offsets = [page.offset for page in file.pages]
        tags = file.pages[BROKEN].aspage().tags
    head_bytes, entry_bytes = (8, 20) if is_big else (2, 12)
    return Chain(
        content=written.getvalue(), offsets=offsets, place_at=tags[273].valueoffset,
        link_at=offsets[BROKEN] + head_bytes + entry_bytes * len(tags),
        field=order + ("Q" if is_big else "I"),
    )  # fmt: skip


def walked(content: bytes) -> Offsets:
    """Give where the walk found the directories."""
    source = Source(stream=io.BytesIO(content), size_bytes=len(content), name=b"a.tif", has_sibling=lambda _: False)
    structure = walk(source)
    assert structure.pages == len(structure.offsets)
    return structure.offsets


@pytest.mark.parametrize(("order", "is_big"), KINDS)
def test_equal_directories_are_one_range_and_are_found_where_they_lie(order: str, is_big: bool) -> None:
    """The first lies before the pixels, all others at equal distances behind them."""
    chain = chain_of(order, is_big)
    offsets = walked(chain.content)
    assert list(offsets) == chain.offsets
    assert len(offsets.run) == PAGES - 2
    assert [offsets[0], offsets[1], offsets[2], offsets[-1]] == [*chain.offsets[:3], chain.offsets[-1]]
    assert offsets[1:4] == chain.offsets[1:4]
    with pytest.raises(IndexError):
        offsets[PAGES]


@pytest.mark.parametrize(("order", "is_big"), KINDS)
def test_a_directory_that_differs_ends_the_run_and_is_looked_at_itself(order: str, is_big: bool) -> None:
    """A tag that nobody knows is no damage: the walk goes on from there, one by one."""
    chain = chain_of(order, is_big)
    changed = bytearray(chain.content)
    struct.pack_into(order + "H", changed, chain.link_at - (20 if is_big else 12), 65000)  # the last tag's number
    offsets = walked(bytes(changed))
    assert list(offsets) == chain.offsets
    assert len(offsets.run) == BROKEN - 2


@pytest.mark.parametrize(("order", "is_big"), KINDS)
def test_pixels_beyond_the_end_are_found_in_the_middle_of_a_chain(order: str, is_big: bool) -> None:
    """One plane of many was not copied."""
    chain = chain_of(order, is_big)
    for place in (len(chain.content) - 64, 0):
        with pytest.raises(NotWholeError, match=f"page {BROKEN + 1}'s strip 1"):
            walked(chain.with_field(chain.place_at, place))


@pytest.mark.parametrize(("order", "is_big"), KINDS)
def test_a_chain_that_is_cut_or_bent_in_the_middle_is_seen(order: str, is_big: bool) -> None:
    """A link may end the chain, leave the file, skip some directories, or lead back."""
    chain = chain_of(order, is_big)
    assert list(walked(chain.with_field(chain.link_at, 0))) == chain.offsets[: BROKEN + 1]
    with pytest.raises(NotWholeError, match="truncated"):
        walked(chain.with_field(chain.link_at, len(chain.content) + 8))
    skipping = walked(chain.with_field(chain.link_at, chain.offsets[BROKEN + 5]))
    assert list(skipping) == chain.offsets[: BROKEN + 1] + chain.offsets[BROKEN + 5 :]
    for back in (0, 1, 2, 10, BROKEN):
        with pytest.raises(DamagedError, match="a circle"):
            walked(chain.with_field(chain.link_at, chain.offsets[back]))
