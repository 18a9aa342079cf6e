"""The program ``coverslip``: finds the command, runs it, and turns whatever it raises into an exit code."""

import gc
import os
import sys
from collections.abc import Sequence

import click

from daemon.access import account_name
from daemon.exits import Exit, exit_code, sentence
from daemon.options import Entry, LazyProgram, OutputClosed
from daemon.terminal import show_problem


def _entry(module: str, summary: str) -> Entry:
    return Entry(target=f"daemon.commands.{module}:command", summary=summary)


#: Every command: where it is, and its line in the help. Nothing is imported until it is called.
COMMANDS: dict[str, Entry] = {
    "init": _entry("init", "Write a configuration for these folders and make the catalogue."),
    "suggest": _entry("suggest", "Propose rules for a folder that nobody explained, from the names in it."),
    "check": _entry("check", "Validate a configuration and run its embedded examples."),
    "explain": _entry("explain", "Explain what the rules make of paths, existing or not."),
    "plan": _entry(
        "plan", "Show what the configuration would do to files and to what is catalogued; nothing is changed."
    ),
    "apply": _entry(
        "apply", "File what is catalogued as the configuration file says now; shows the plan and asks first."
    ),
    "import": _entry("import_", "Look at the watched folders once, import whatever is complete, and end."),
    "run": _entry("run", "Watch the folders and import what comes, until it is told to stop."),
    "why": _entry("why", "Tell a file's whole story: its state, the reason, what it waits for, what happened."),
    "queue": _entry("queue", "List the files that are held, unmatched, failed, stalled or missing."),
    "status": _entry("status", "Say how everything stands: roots, files by state with reasons, progress, problems."),
    "retry": _entry("retry", "Try files again now: those that are held, failed, waiting or stalled."),
    "assign": _entry("assign", "Decide where files belong that are held, unmatched or wrongly filed."),
    "accept": _entry("accept", "Accept where moved files lie now: they change hands as the folder says."),
    "forget": _entry(
        "forget", "Drop the memory of files that are missing, deleted or failed; never of what is imported."
    ),
    "tree": _entry("tree", "Show projects, datasets, screens and plates with counts."),
    "images": _entry("images", "List the images that you may see, newest first."),
    "show": _entry("show", "Show everything about an object: image:7, dataset:3, plate:2 ..."),
    "thumbnail": _entry("thumbnail", "Write the picture of an image to a new file."),
    "contact-sheet": _entry("contact_sheet", "Draw a dataset, or a plate as its grid of wells, on one sheet."),
    "history": _entry("history", "Tell what happened to an object, and who did it."),
    "locate": _entry("locate", "Tell where the files of an object lie, as each computer sees them."),
    "relocate": _entry("relocate", "Tell that a root's files are in another folder now, after a disk was renamed."),
    "verify": _entry("verify", "Read originals again and compare them with their hashes; find what a disk has lost."),
    "backup": _entry("backup", "Write the catalogue into one new file, also while the daemon runs."),
    "tag": _entry("tag", "Add, remove and list tags."),
    "kv": _entry("kv", "Add, remove and list key-value pairs."),
    "comment": _entry("comment", "Add, change, remove and list comments."),
    "user": _entry("user", "Add, change, close and list users."),
    "group": _entry("group", "Add, change and list groups, their members and their permission level."),
    "admin": _entry("admin", "Name administrators, and bring the catalogue up to date."),
    "root": _entry("root", "List the watched folders; accept one that was replaced or braked."),
    "config": _entry("config", "Show the settings in force, or the reference of all keys."),
    "doctor": _entry("doctor", "Check the installation, the machine and the catalogue, and say what to do."),
    "completion": _entry("completion", "Print the completion script for a shell."),
    "version": _entry("version", "Say which version this is."),
}

program = LazyProgram(
    name="coverslip",
    registry=COMMANDS,
    help="Watches microscope folders, catalogues images where they lie, and knows whose they are.",
    examples=("coverslip init /data/confocal", "coverslip status", "coverslip why /data/confocal/lab/ada/x.tif"),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)


def main() -> None:
    """Run the program with the arguments of the process, and end the process."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    code = _flushed(run(sys.argv[1:]))
    gc.freeze()  # the process ends: the interpreter need not look for garbage among all that was imported
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code; the only place where errors become sentences."""
    try:
        result = program.main(list(arguments), prog_name="coverslip", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help(), err=True)
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        show_problem("stopped by the keyboard")
        return Exit.INTERRUPTED
    except OutputClosed:
        _discard_output()
        return Exit.DONE
    except Exception as error:  # noqa: BLE001 - the boundary of a command: every error ends here
        return _ended_by(error, is_debug="--debug" in arguments)
    return result if isinstance(result, int) else Exit.DONE


def _ended_by(error: Exception, *, is_debug: bool) -> int:
    code = exit_code(error)
    if is_debug and not isinstance(error, click.ClickException):
        from daemon.crash import print_traceback

        print_traceback(error)
    if code is None:
        show_problem(_unexpected(error, is_debug=is_debug))
        return Exit.REFUSED
    if isinstance(error, click.UsageError) and error.ctx is not None:
        click.echo(error.ctx.get_usage(), err=True)
    for line in sentence(error).splitlines() or [""]:
        show_problem(line)
    return code


def _unexpected(error: Exception, *, is_debug: bool) -> str:
    if isinstance(error, ModuleNotFoundError):  # such as root having become an account that can't read what root has
        where = "install it with its Python whole, and where that account can read it, such as below /opt"
        return f"the account {account_name()} can't read all of this program: {error}; {where}"
    what = f"unexpected error, please report it: {type(error).__name__}: {error}"
    if is_debug:
        return what
    from daemon.crash import write_traceback

    report = write_traceback(error)
    return f"{what} (where it happened is in {report})" if report else f"{what} (--debug shows where)"


def _flushed(code: int) -> int:
    """Flush standard output; a reader that went away (``| head``) is no error."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
    except OSError as error:
        show_problem(f"standard output: {error.strerror or error}")
        _discard_output()
        return code or Exit.REFUSED
    return code


def _discard_output() -> None:
    """Let what is still buffered for a closed pipe go to nowhere, so that the interpreter ends in silence."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
