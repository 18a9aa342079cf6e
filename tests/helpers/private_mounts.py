"""Mounts that only the programs of one test see: a mount namespace of their own. Needs root."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


def why_not() -> str | None:
    """Say why nothing can be mounted here; None when it can."""
    if os.geteuid() != 0:
        return "mounting needs root"
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        return "unshare and nsenter are not installed"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
    return (tried.stderr.strip() or "no mount namespaces here") if tried.returncode else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateMounts:
    """A namespace; ``under`` is what a command has to be started with to live in it."""

    under: tuple[str, ...]

    def mount(self, *arguments: str | Path) -> None:
        """Run mount(8) in it."""
        subprocess.run([*self.under, "mount", *map(str, arguments)], check=True, capture_output=True)

    def used_kb(self, place: Path) -> int:
        """Give how much of a file system is used."""
        done = subprocess.run(
            [*self.under, "df", "-k", "--output=used", str(place)], check=True, capture_output=True, text=True
        )
        return int(done.stdout.split()[-1])


@contextmanager
def private_mounts() -> Iterator[PrivateMounts]:
    """Keep a namespace for the length of a with block; its mounts end with its last process."""
    keeper = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", "echo; exec sleep infinity"],
        stdout=subprocess.PIPE,
    )
    assert keeper.stdout is not None
    try:
        keeper.stdout.readline()
        yield PrivateMounts(under=("nsenter", f"--target={keeper.pid}", "--mount", "--"))
    finally:
        keeper.kill()
        keeper.wait()
        keeper.stdout.close()
