"""Grouping: ranks, holes, composed planes and digests hold whatever the names and the order in which files come."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from catalog.captured import in_words, read, written
from catalog.member_digests import NOTHING, changed, sum_of
from catalog.names import natural_key
from catalog.records import HeldSeries
from ingest.completeness import Found, lacking
from ingest.composing import Part, compose
from ingest.grouping import first_hole, grid_of, values_in_order
from ingest.placement import Complete

values = st.one_of(st.integers(0, 40).map(str), st.sampled_from(["DAPI", "GFP", "dapi", "p10", "p9", "m"]))
dimensions = st.sets(st.sampled_from(["channel", "z", "t"]), min_size=1)
digests = st.binary(min_size=16, max_size=16)


@st.composite
def images(draw: st.DrawFn) -> list[Mapping[str, str]]:
    """Give files of one image: distinct places, the same dimensions."""
    names = sorted(draw(dimensions))
    places = draw(st.lists(st.tuples(*(values for _ in names)), min_size=1, max_size=20, unique=True))
    return [dict(zip(names, place, strict=True)) for place in places]


@given(st.lists(values), st.lists(values))
def test_ranks_are_natural_and_only_of_what_was_seen(seen: list[str], first: list[str]) -> None:
    ranked = values_in_order(seen, first)

    assert sorted(ranked) == sorted(set(seen))
    given_first = [value for value in dict.fromkeys(first) if value in seen]
    assert list(ranked[: len(given_first)]) == given_first
    rest = ranked[len(given_first) :]
    assert list(rest) == sorted(rest, key=lambda value: (natural_key(value), value))


@given(images(), st.randoms(use_true_random=False))
def test_a_place_does_not_depend_on_the_order_in_which_files_come(
    files: list[Mapping[str, str]], random: object
) -> None:
    shuffled = sorted(files, key=lambda one: sorted(one.items(), reverse=True))
    grid = grid_of(files)

    assert grid == grid_of(shuffled)
    places = list(grid.places(files))
    assert len(set(places)) == len(files)
    hole = first_hole(grid, files)
    assert (hole is None) == (len(files) == grid.size)
    assert hole not in places


@given(images(), st.integers(1, 3), st.integers(1, 3))
def test_every_plane_of_every_file_has_one_place_inside_the_image(
    files: list[Mapping[str, str]], size_z: int, size_c: int
) -> None:
    held = HeldSeries(size_x=4, size_y=3, size_z=size_z, size_c=size_c, size_t=1, pixels_type="uint8")
    parts = [Part(path=b"%d.tif" % number, values=one, holds=(held,)) for number, one in enumerate(files)]

    (image,) = compose(parts)

    places = {(plane.the_c, plane.the_z, plane.the_t) for plane in image.planes}
    assert len(places) == len(image.planes) == len(files) * size_z * size_c
    assert all(c < image.size_c and z < image.size_z and t < image.size_t for c, z, t in places)
    assert len({(plane.path, plane.plane) for plane in image.planes}) == len(image.planes)
    assert len(image.channel_values) == image.size_c


@given(images())
def test_complete_is_every_combination_of_as_many_values(files: list[Mapping[str, str]]) -> None:
    grid = grid_of(files)
    counts = {name: len(set(axis) - {""}) for name, axis in zip(("channel", "z", "t"), grid.axes, strict=True)}
    expect = {name: count for name, count in counts.items() if count}

    exact = lacking(Complete(expect=expect), [Found(files=files)])
    more = lacking(Complete(expect={name: count + 1 for name, count in expect.items()}), [Found(files=files)])

    assert (exact is None) == (first_hole(grid, files) is None)
    assert more is not None
    assert lacking(Complete(expect={"files": len(files)}), [Found(files=files)]) is None
    assert lacking(Complete(expect={"files": len(files) + 1}), [Found(files=files)]) is not None
    assert lacking(Complete(marker="done", expect=expect), [Found(files=files)]) == "it waits for 'done'"


@given(st.lists(digests), st.lists(digests))
def test_files_that_are_added_and_taken_again_leave_no_trace(some: list[bytes], others: list[bytes]) -> None:
    both = changed(sum_of(some), added=others)

    assert both == sum_of([*reversed(others), *some])
    assert changed(both, removed=others) == sum_of(some)
    assert changed(both, removed=[*some, *others]) == NOTHING


@given(st.dictionaries(st.sampled_from(["channel", "z", "t"]), values))
def test_what_a_name_captured_comes_back_as_it_was(captured: dict[str, str]) -> None:
    text = written(captured)

    assert read(text) == captured
    assert text == written(dict(reversed(captured.items())))
    assert all(value in in_words(text) for value in captured.values())
