"""Tells the databases which index not to take: without statistics SQLite takes any equality, however little it says."""

from typing import Any

from sqlalchemy import ColumnElement


def unindexed(column: Any) -> ColumnElement[int]:
    """Give a numeric column as an expression that no index answers, so that the index of a narrower term is taken.

    Nearly all rows are of one root: to start from it is to read everything, for each page anew.
    """
    expression: ColumnElement[int] = column + 0
    return expression
