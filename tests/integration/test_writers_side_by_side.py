"""Writers beside each other: the same tag twice at once, and roles that change while somebody acts on them."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from catalog.annotations import add_tag, annotations
from catalog.engine import Catalogue
from catalog.errors import NotAllowed
from catalog.models.people import ExperimenterGroup
from catalog.people import editing, set_permissions
from catalog.references import ObjectReference
from config.settings import PermissionLevel
from tests.helpers.lab import NOW, Lab
from tests.helpers.program import PATIENCE_S


def at_once(*works: Callable[[], object]) -> list[object]:
    """Run functions in threads that begin together; gives what each returned; raises what one raised."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        barrier.wait(PATIENCE_S)
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return [done.result(PATIENCE_S) for done in [threads.submit(run, work) for work in works]]


def test_the_same_tag_added_twice_at_once_is_one_tag_and_both_succeed(catalogue: Catalogue) -> None:
    lab = Lab(catalogue)
    group = lab.group("smith")
    ada = lab.person("ada", group)
    image = ObjectReference(type="image", id=lab.image(ada, group, root=lab.root()))
    acting = lab.acting("ada")

    def tag() -> object:
        with catalogue.writing() as connection:
            return add_tag(connection, acting, image, "mitosis", now=NOW, via="cli")

    for _ in range(5):
        at_once(tag, tag, tag)
    with catalogue.reading() as connection:
        assert [one.value for one in annotations(connection, acting, image)] == ["mitosis"]


def test_a_level_that_falls_waits_for_who_acts_on_it_and_the_next_is_refused(catalogue: Catalogue) -> None:
    lab = Lab(catalogue)
    group = lab.group("smith", "read-annotate")
    ada = lab.person("ada", group)
    lab.person("bob", group)
    lab.person("pia", group, owns=(group,))
    image = ObjectReference(type="image", id=lab.image(ada, group, root=lab.root()))
    bob, pia = lab.acting("bob"), lab.acting("pia")
    tagged, finish = threading.Event(), threading.Event()

    def tag() -> object:
        with catalogue.writing() as connection:
            add_tag(connection, bob, image, "before", now=NOW, via="cli")
            tagged.set()
            assert finish.wait(PATIENCE_S)
            return connection.scalar(select(ExperimenterGroup.permissions).where(ExperimenterGroup.id == group))

    def lower() -> object:
        assert tagged.wait(PATIENCE_S)
        threading.Timer(0.5, finish.set).start()
        with editing(catalogue, pia, now=NOW, via="cli", marks={}) as edit:
            set_permissions(edit, "smith", PermissionLevel.READ_ONLY)
        return finish.is_set()

    level_while_acting, was_after = at_once(tag, lower)
    assert level_while_acting == "read-annotate"
    assert was_after is True
    with catalogue.writing() as connection, pytest.raises(NotAllowed, match="read-only"):
        add_tag(connection, bob, image, "after", now=NOW, via="cli")
