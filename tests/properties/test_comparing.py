"""Comparing what is filed with changed rules: what a person did stays, and what was applied differs no more."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from catalog.filed import Filed, FiledImage, FilesetKeys
from catalog.filings import filing_of
from ingest.comparing import Change, Kind, Options
from ingest.comparing import compare as compare_by_keys
from ingest.documents import placement_document
from ingest.filesets import image_key
from ingest.placement import NotPlaced, NotPlacedAs, Ownership, Placement, Target

ids = st.integers(1, 3)
texts = st.sampled_from(["a", "b", "c"])
targets = st.one_of(
    st.builds(Target, project=st.none() | texts, dataset=texts),
    st.builds(Target, screen=texts, plate=texts, well=st.tuples(st.integers(0, 1), st.integers(0, 1)), field=ids),
    st.just(Target()),
)
placements = st.builds(
    Placement,
    rule=texts,
    target=targets,
    image=texts,
    owner=texts,
    group=texts,
    owner_from=st.just("folder"),
    group_from=st.just("folder"),
    tags=st.lists(texts, max_size=2, unique=True).map(tuple),
    description=st.none() | texts,
)
ownerships = st.tuples(ids, ids).map(
    lambda pair: Ownership(owner_id=pair[0], group_id=pair[1], container_owner_id=pair[0], owner_by="folder (rule r#1)")
)
decisions = st.tuples(placements, ownerships)
options = st.builds(Options, change_owners=st.booleans(), force=st.booleans())


def keys_of(placement: Placement, ownership: Ownership) -> FilesetKeys:
    """Give the keys of an image of many files: they change with the rule, the place and the owner."""
    return FilesetKeys(key=image_key(placement, ownership), grouping="names")


def compare(filed: Filed, decided: Any, filed_by: str, asked: Options, *, is_there: bool = True) -> Change:
    return compare_by_keys(filed, decided, filed_by, keys_of, asked, is_there=is_there)


def images_at(document: dict[str, Any], drawn: list[tuple[bool, bool, bool]], owner: tuple[int, int]) -> Any:
    """Give images that lie where a placement says, or where a person put, named and gave them."""
    containers = filing_of(document).containers
    key = containers[-1].origin_key if containers else None
    made = []
    for number, (is_named, is_moved, is_given) in enumerate(drawn):
        where: bytes | None = b"elsewhere" if is_moved else key
        is_in_plate = bool(containers) and containers[-1].kind == "plate" and not is_moved
        made.append(
            FiledImage(
                id=number,
                series=number,
                name="by hand" if is_named else document["image"],
                is_named_by_hand=is_named,
                description=None,
                owner_id=owner[0],
                group_id=owner[1],
                owner_by="accepted by hand" if is_given else "folder (rule r#1)",
                datasets=((1, where),) if where is not None and not is_in_plate else (),
                sample=(1, where, 1, 1, number) if is_in_plate else None,
            )
        )
    return tuple(made)


@st.composite
def filed(draw: st.DrawFn) -> Filed:
    placement, ownership = draw(decisions)
    document = placement_document(placement, ownership)
    owner = (ownership.owner_id, ownership.group_id)
    drawn = draw(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=2))
    return Filed(
        fileset_id=1,
        root_id=1,
        document=document,
        is_by_hand=draw(st.booleans()),
        owner_id=owner[0],
        group_id=owner[1],
        owner_differs=draw(st.sampled_from([False, False, False, True])),
        keys=keys_of(placement, ownership),
        paths=(b"x.tif",),
        captured=(None,),
        images=images_at(document, drawn, owner),
    )


def applied(before: Filed, change: Change) -> Filed:
    """Give the fileset as `apply` leaves it: the model that the catalogue's own code is tested against elsewhere."""
    document = dict(change.document or before.document)
    owner = change.owner if Kind.REOWNED in change.kinds and change.owner else (before.owner_id, before.group_id)
    moved = Kind.REFILED in change.kinds
    placed = images_at(document, [(False, False, False)] * len(before.images), owner)
    images = tuple(
        replace(
            image,
            name=change.names.get(image.id, image.name),
            is_named_by_hand=image.is_named_by_hand and image.id not in change.names,
            owner_id=owner[0],
            group_id=owner[1],
            owner_by="folder (rule r#1)" if Kind.REOWNED in change.kinds else image.owner_by,
            datasets=at.datasets if moved else image.datasets,
            sample=at.sample if moved else image.sample,
        )
        for image, at in zip(before.images, placed, strict=True)
    )
    return replace(
        before,
        document=document,
        keys=change.keys or before.keys,
        is_by_hand=change.is_by_hand if change.document is not None else before.is_by_hand,
        owner_id=owner[0],
        group_id=owner[1],
        images=images,
    )


@given(filed(), decisions, options, st.booleans())
def test_what_was_applied_differs_no_more(before: Filed, decided: Any, asked: Options, is_there: bool) -> None:
    change = compare(before, decided, "rule", asked, is_there=is_there)
    again = compare(applied(before, change), decided, "rule", asked, is_there=is_there)

    assert again.kinds == frozenset()
    assert again.document is None


@given(filed(), decisions, options)
def test_nothing_is_both_done_and_kept_and_a_document_comes_with_something_to_do(
    before: Filed, decided: Any, asked: Options
) -> None:
    change = compare(before, decided, "rule", asked)

    assert not change.kinds & change.kept.keys()
    assert (change.document is not None) == bool(change.kinds)
    assert bool(change.names) == (Kind.RENAMED in change.kinds)


@given(filed(), decisions, st.booleans())
def test_without_force_what_a_person_did_stays(before: Filed, decided: Any, change_owners: bool) -> None:
    change = compare(before, decided, "rule", Options(change_owners=change_owners))

    named = {image.id for image in before.images if image.is_named_by_hand}
    assert not named & change.names.keys()
    if before.is_by_hand or not before.is_in_place:
        assert Kind.REFILED not in change.kinds
        assert Kind.REOWNED not in change.kinds
    if any(image.is_owned_by_hand for image in before.images):
        assert Kind.REOWNED not in change.kinds


@given(filed(), decisions, options, st.booleans())
def test_owner_and_group_change_only_where_it_is_asked_and_the_file_is_there_and_never_before_an_accept(
    before: Filed, decided: Any, asked: Options, is_there: bool
) -> None:
    change = compare(before, decided, "rule", asked, is_there=is_there)
    ownership = (change.document or before.document)["ownership"]

    if not asked.change_owners or before.owner_differs or not is_there:
        assert Kind.REOWNED not in change.kinds
        assert (ownership["owner_id"], ownership["group_id"]) == (before.owner_id, before.group_id)
    if Kind.REOWNED in change.kinds:
        assert (ownership["owner_id"], ownership["group_id"]) == change.owner


@given(filed(), options, st.sampled_from(list(NotPlacedAs)))
def test_what_the_rules_file_nowhere_stays_as_it_is(before: Filed, asked: Options, why: NotPlacedAs) -> None:
    change = compare(before, NotPlaced(disposition=why, reason="because"), "rule", asked)

    assert change.kinds == frozenset()
    assert list(change.kept.values()) == ["because"]
    assert (Kind.HELD in change.kept) == (why is NotPlacedAs.HELD)


@given(filed(), decisions)
def test_with_everything_allowed_all_follows_the_rules(before: Filed, decided: Any) -> None:
    before = replace(before, owner_differs=False)
    asked = Options(change_owners=True, force=True)
    after = applied(before, compare(before, decided, "rule", asked))

    wanted = placement_document(*decided)
    assert filing_of(after.document).containers == filing_of(wanted).containers
    assert (after.owner_id, after.group_id) == (decided[1].owner_id, decided[1].group_id)
    assert after.is_in_place
