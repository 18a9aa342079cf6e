"""What is left of an error nobody expected: its traceback in a file. Imported only when one happens."""

import os
import tempfile
import traceback
from pathlib import Path


def print_traceback(error: BaseException) -> None:
    """Print the traceback to standard error, for ``--debug``."""
    traceback.print_exception(error)


def write_traceback(error: BaseException) -> Path | None:
    """Write the traceback to a new file that only this account may read; None when there is no room for it."""
    try:
        handle, name = tempfile.mkstemp(prefix="coverslip-error-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as report:
            traceback.print_exception(error, file=report)
    except OSError:
        return None
    return Path(name)
