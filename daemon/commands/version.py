"""``coverslip version``: the program, Python and the platform."""

import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from daemon.context import Context, with_context
from daemon.options import command as coverslip_command
from daemon.output import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionDocument:
    """What this program is. ``program`` is its version."""

    program: str
    python: str
    platform: str


def program_version() -> str:
    """Give the version of the installed program, "unknown" when it is not installed as a distribution."""
    try:
        return version("coverslip")
    except PackageNotFoundError:
        return "unknown"


def versions() -> VersionDocument:
    """Collect the versions."""
    return VersionDocument(
        program=program_version(),
        python=".".join(map(str, sys.version_info[:3])),
        platform=platform.platform(terse=True),
    )


def show(document: VersionDocument, output: Output) -> None:
    """Print them on one line."""
    output.line(f"coverslip {document.program} (Python {document.python}, {document.platform})")


@coverslip_command("version", examples=("coverslip version", "coverslip version --json"), answers=VersionDocument)
@with_context
def command(context: Context) -> None:
    """Say which version this is."""
    context.output.document(versions(), show)
