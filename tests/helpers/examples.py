"""How many examples a property gets: few by default, many times as many in the full fault suite."""

import os

VARIABLE = "COVERSLIP_EXAMPLES"


def examples(usual: int) -> int:
    """Give the usual number, times what the environment says."""
    return usual * int(os.environ.get(VARIABLE, "1"))
