"""Fits what a file system says into the 64-bit signed integers that databases have. Pure."""

HIGHEST = (1 << 63) - 1
LOWEST = -(1 << 63)


def wrapped64(number: int) -> int:
    """Give an unsigned 64-bit number (an inode) as the signed one with the same bits: nothing is lost."""
    return number - (1 << 64) if number > HIGHEST else number


def signed64(number: int) -> int:
    """Give a number that fits: a time beyond the year 2262 or before 1677 counts as the last or first that does."""
    return max(LOWEST, min(number, HIGHEST))
