"""Documents that are read back from the database: the same as JSON says, and parsed once where they are alike."""

import json
import pickle
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import read_documents
from catalog.filings import filing_of
from catalog.read_documents import AlikeDocument, read_document
from catalog.records import Acquisition, Channel, FileRecord, ImageRecord, Objective, PlaneRecord, ThumbnailRecord

PLACEMENT = {
    "rule": "confocal#1",
    "target": {"project": "cells", "run": None, "well": [1, 2], "field": None},
    "ownership": {"owner_id": 1, "group_id": 2, "container_owner_id": 1, "owner_by": "folder 'ab3c'"},
    "containers": [{"kind": "project", "name": "cells", "origin_key": "ca1e"}],
    "description": None,
    "tags": ["a"],
    "key_values": [["k", "v"]],
    "annotate": "image",
}
#: Texts that look like the end of a document, or like the place where it is cut.
TEXTS = st.text(alphabet='ab", \\:{}image\n\x7fä\ud800', max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.just("image"), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=3), VALUES, st.booleans())
def test_a_document_is_what_its_json_says(head: dict[str, object], last: object, is_spaced: bool) -> None:
    document = head | {"image": last}
    text = json.dumps(document, separators=None if is_spaced else (",", ":"))
    for stored in (text, text.encode()):
        assert read_document(stored) == json.loads(text)
        assert list(read_document(stored)) == list(json.loads(text))


@given(VALUES)
def test_any_json_is_read_as_json_is(value: object) -> None:
    text = json.dumps(value)
    assert read_document(text) == json.loads(text)


@pytest.mark.parametrize(
    "text", ["", "{", '{"a": 1, "image": "b}', '{"a": 1, "image": "b"} x', '{"a": 1, "image": b"}']
)
def test_what_is_no_json_is_refused_as_json_does(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        json.loads(text)
    with pytest.raises(ValueError, match=r".+"):
        read_document(text)


def test_documents_that_differ_in_the_image_only_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [json.dumps(PLACEMENT | {"image": f"cell {number}"}) for number in range(20)]
    read_document(texts[0])
    monkeypatch.setattr(read_documents, "json", None)
    documents = [read_document(text) for text in texts]
    assert [document["image"] for document in documents] == [f"cell {number}" for number in range(20)]
    assert {id(document.alike) for document in documents} == {id(documents[0].alike)}


def test_where_alike_documents_go_is_told_as_of_each_alone() -> None:
    for name in ("one", "two", 'th"ree'):
        document = PLACEMENT | {"image": name}
        shared = read_document(json.dumps(document))
        assert isinstance(shared, AlikeDocument)
        pairs, size = (("k", name),), (8, 12)
        assert filing_of(shared, pairs, size) == filing_of(document, pairs, size)
        assert filing_of(shared) == filing_of(document)


def test_a_shared_document_is_changed_in_a_copy_only() -> None:
    document = read_document(json.dumps(PLACEMENT | {"image": "one"}))
    with pytest.raises(TypeError, match="change a copy"):
        document["rule"] = "another"
    with pytest.raises(TypeError, match="change a copy"):
        document |= {"rule": "another"}
    copy = dict(document) | {"rule": "another"}
    assert (copy["rule"], document["rule"]) == ("another", "confocal#1")
    assert filing_of(copy).rule == "another"


def test_records_cross_as_they_are() -> None:
    channel = Channel(name="GFP", window=(1.0, 2.0))
    image = ImageRecord(
        series=1, size_x=2, size_y=3, size_z=4, size_c=5, size_t=6, pixels_type="uint8", channels=(channel,),
        acquisition=Acquisition(objective=Objective(name="20x"), software="s"),
    )  # fmt: skip
    file = FileRecord(path=b"a\xff", size_bytes=1, hash=None, hasher="sha256", fingerprint=b"f")
    plane = PlaneRecord(image_series=0, the_c=1, the_z=2, the_t=3, path=b"a", series=4, plane=5)
    for record in (image, file, plane, ThumbnailRecord(failure="no"), replace(image, name="other")):
        again = pickle.loads(pickle.dumps(record))
        assert again == record
        assert type(again) is type(record)
        assert hash(again) == hash(record)
        assert [getattr(again, one.name) for one in fields(again)] == [
            getattr(record, one.name) for one in fields(record)
        ]
