"""Who keeps the ids when files are grouped otherwise: notes have one place, and it comes out the same again."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ingest.keeping import Joint, Standing, joints_of

KEYS = [bytes([number]) * 16 for number in range(4)]


@st.composite
def filesets(draw: st.DrawFn) -> list[Standing]:
    """Give filesets whose files go to a few images; no two files have the same place."""
    made = []
    for number in range(draw(st.integers(1, 6))):
        keys = draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=4))
        files = tuple((key, f'{{"z":"{number}.{place}"}}') for place, key in enumerate(keys))
        made.append(
            Standing(
                fileset_id=number,
                image_id=draw(st.integers(1, 3)) * 10 + number,
                is_noted=draw(st.booleans()),
                files=files,
                is_other=draw(st.booleans()),
            )
        )
    return made


def joints(standings: list[Standing]) -> list[Joint]:
    return joints_of(standings, {})


@given(filesets())
def test_notes_of_every_fileset_have_one_place_and_no_ids_are_used_twice(standings: list[Standing]) -> None:
    found = joints(standings)

    ids = [fileset_id for joint in found for fileset_id in joint.goes_to]
    assert len(ids) == len(set(ids))
    for joint in found:
        assert len(set(joint.keepers.values())) == len(joint.keepers)
        for fileset_id, key in joint.goes_to.items():
            assert joint.keeper_of(fileset_id) in joint.goes_to
            assert joint.goes_to[joint.keeper_of(fileset_id)] == key


@given(filesets())
def test_people_s_images_and_older_ones_keep_their_ids(standings: list[Standing]) -> None:
    by_id = {one.fileset_id: one for one in standings}
    for joint in joints(standings):
        for fileset_id in joint.goes_to:
            one, kept = by_id[fileset_id], by_id[joint.keeper_of(fileset_id)]
            assert (not kept.is_noted, kept.image_id) <= (not one.is_noted, one.image_id)


@given(filesets(), st.randoms(use_true_random=False))
def test_it_does_not_matter_in_which_order_they_are_looked_at(standings: list[Standing], random: object) -> None:
    before = {frozenset(joint.goes_to.items()): dict(joint.keepers) for joint in joints(standings)}
    random.shuffle(standings)  # type: ignore[attr-defined]
    assert {frozenset(joint.goes_to.items()): dict(joint.keepers) for joint in joints(standings)} == before


def regrouped(standings: list[Standing]) -> list[Standing]:
    """Give the filesets as `apply` leaves them: one for each image."""
    keepers = {key: keeper for joint in joints(standings) for key, keeper in joint.keepers.items()}
    by_id = {one.fileset_id: one for one in standings}
    files: dict[bytes, list[tuple[bytes, str | None]]] = {}
    for one in standings:
        for key, captured in one.files:
            files.setdefault(key, []).append((key, captured))
    untouched = {one.keys[0]: one.fileset_id for one in standings if len(one.keys) == 1}
    return [
        replace(by_id.get(keepers.get(key, untouched.get(key, -1)), standings[0]), files=tuple(own), is_other=False)
        for key, own in files.items()
    ]


@given(filesets())
def test_what_was_grouped_so_is_not_grouped_again(standings: list[Standing]) -> None:
    assert joints(regrouped(standings)) == []


@given(filesets())
def test_what_goes_apart_is_left_alone_and_one_problem_stops_only_what_it_touches(standings: list[Standing]) -> None:
    first = replace(standings[0], problem="because", is_other=True)
    for joint in joints([first, *standings[1:]]):
        assert (joint.problem == "because") == (first.fileset_id in joint.goes_to)


def test_two_files_of_one_place_are_not_merged() -> None:
    one = Standing(fileset_id=1, image_id=1, is_noted=False, files=((KEYS[0], '{"z":"1"}'),))
    (joint,) = joints([one, replace(one, fileset_id=2, image_id=2)])
    assert joint.problem == "two of its files would be z 1 of one image"
