"""The program's entry: a daemon can be stopped from its first moment on, before anything heavy is imported."""

import gc
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

#: Options before the command's name whose value is a word of its own.
_WITH_VALUE = frozenset({"-c", "--config", "--as"})
#: So many new objects call the collector: more than a command imports, 100,000 to 200,000, and then in its work.
_WHILE_IMPORTING = 1_000_000
_AFTERWARDS = 50_000


def main() -> None:
    """Run the program with the arguments of the process, and end the process."""
    if command_named(sys.argv[1:]) == "run":
        stop_at_once_on_signals()
    start_quickly()
    # The processes that this one starts shall not import from the folder it was called in, which may be anybody's.
    os.environ["PYTHONSAFEPATH"] = "1"
    from daemon.cli import main as run_program  # half a second on a slow disk: the signals are caught before

    run_program()


def start_quickly() -> None:
    """Save what a command spends on others' behalf: a fifth of its CPU time goes to the collector while it imports.

    What is imported stays, and is not looked at before `collect_from_here`. No plugin of another distribution is looked
    for, or has a say in what a configuration may hold.
    """
    gc.set_threshold(_WHILE_IMPORTING, 10, 10)
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"


def collect_from_here() -> None:
    """Have the collector look after what a command makes, and leave alone what was imported for it.

    Where `start_quickly` was not called the process is somebody else's, and stays as it is.
    """
    if gc.get_threshold()[0] == _WHILE_IMPORTING:
        gc.freeze()
        gc.set_threshold(_AFTERWARDS, 10, 10)


def command_named(arguments: Sequence[str]) -> str | None:
    """Find the command's name among the arguments, None when there is none."""
    is_value = False
    for argument in arguments:
        if not is_value and not argument.startswith("-"):
            return argument
        is_value = not is_value and argument in _WITH_VALUE
    return None


def stop_at_once_on_signals() -> None:
    """End with exit code 0 on SIGTERM and SIGINT: nothing is built yet. `daemon.shutdown` takes over later.

    SIGHUP asks for the configuration to be read again; it has not been read at all.
    """
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(0)
