"""How many rows and columns a plate has, where its wells are all that is known. Pure."""

from collections.abc import Iterable

#: Rows and columns of usual plates, smallest first.
USUAL_PLATES = ((1, 1), (2, 3), (3, 4), (4, 6), (6, 8), (8, 12), (16, 24), (32, 48))


def grid_size(rows: int | None, columns: int | None, used: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Give a plate's rows and columns: what is known of it, else the smallest usual plate with all used wells.

    ``used`` are counts of rows and columns that a well needs: (row + 1, column + 1).
    """
    wanted = list(used)
    needed = (max((row for row, _ in wanted), default=1), max((column for _, column in wanted), default=1))
    if rows is not None and columns is not None:
        return max(rows, needed[0]), max(columns, needed[1])
    usual = (size for size in USUAL_PLATES if size[0] >= needed[0] and size[1] >= needed[1])
    return next(usual, needed)
