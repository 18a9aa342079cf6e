"""What refers to files and images is found by an index when these go: else each that goes reads a whole table."""

import pytest
from sqlalchemy import PrimaryKeyConstraint, Table, UniqueConstraint

from catalog.models.all import metadata

#: Rows of these go one by one, by `forget`, `apply`, or as a file leaves its image.
GOING = {"fileset", "image", "original_file", "directory"}


def indexed(table: Table) -> set[str]:
    """Give the columns with which an index of a table begins."""
    unique = [one for one in table.constraints if isinstance(one, PrimaryKeyConstraint | UniqueConstraint)]
    return {column.name for one in (*table.indexes, *unique) for column in list(one.columns)[:1]}


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_what_refers_to_a_file_is_found_by_an_index(table: Table) -> None:
    referring = {key.columns[0].name for key in table.foreign_key_constraints if key.referred_table.name in GOING}
    assert referring <= indexed(table)
