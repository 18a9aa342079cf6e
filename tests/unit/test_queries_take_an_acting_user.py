"""No query without an acting user: every public function that reads for people takes one."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator

import pytest

from catalog import accepting, annotations, decisions, file_sight, queries, queue, status, why
from catalog.permissions import Acting

#: They work on values or build parts of statements: nothing is read in them.
WITHOUT_DATABASE = {
    "glob_condition",
    "joined",
    "without_restore",
    "has_narrow",
    "path_of",
    "placed_group",
    "events",
    "history_rows",
    "write_pairs",
    "link_row",
    "wal_bytes",
}


def public_functions() -> Iterator[tuple[str, Callable[..., object]]]:
    names = [module.name for module in pkgutil.iter_modules(queries.__path__, "catalog.queries.")]
    modules = [importlib.import_module(name) for name in names]
    for module in (*modules, accepting, annotations, decisions, file_sight, queue, status, why):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_") and name not in WITHOUT_DATABASE:
                yield f"{module.__name__}.{name}", function


@pytest.mark.parametrize(("name", "function"), list(public_functions()))
def test_it_takes_an_acting_user(name: str, function: Callable[..., object]) -> None:
    parameters = inspect.signature(function).parameters
    assert parameters["acting"].annotation is Acting, name
    assert parameters["acting"].default is inspect.Parameter.empty


def test_the_functions_of_the_contract_are_among_them() -> None:
    found = {name.rpartition(".")[2] for name, _ in public_functions()}
    assert {"images", "tree", "show", "history", "thumbnail", "plate_grid", "queue", "why", "status"} <= found
