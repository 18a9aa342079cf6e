"""Has tiled register a folder of TIFFs, in an environment of its own that the benchmark makes and keeps."""

import os
import subprocess
import sys
from pathlib import Path

#: Run by tiled's own Python: a catalogue in SQLite, an app in this process, the directory walker that tiled ships.
_SCRIPT = """
import asyncio, sys, tempfile, time
from pathlib import Path
from tiled.catalog import from_uri
from tiled.client import Context, from_context
from tiled.client.register import register
from tiled.server.app import build_app
database = Path(tempfile.mkdtemp()) / "catalog.db"
catalog = from_uri(f"sqlite:///{database}", init_if_not_exists=True, readable_storage=[sys.argv[1]])
with Context.from_app(build_app(catalog)) as context:
    client = from_context(context)
    begun = time.monotonic()
    asyncio.run(register(client, sys.argv[1]))
    took_s = time.monotonic() - begun
    assert len(client) == int(sys.argv[2]), len(client)
    print(took_s)
"""


def files_per_s(folder: Path, count: int) -> float:
    """Give how many of the folder's ``count`` files tiled registers in a second; nan where it can't be installed."""
    python = _environment()
    if python is None:
        return float("nan")
    done = subprocess.run(
        [python, "-c", _SCRIPT, folder, str(count)], capture_output=True, text=True, check=False, timeout=280
    )
    if done.returncode != 0:
        sys.stderr.write(done.stderr[-400:])
        return float("nan")
    return count / float(done.stdout.split()[-1])


def _environment() -> Path | None:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "coverslip-bench-tiled"
    python = cache / "bin" / "python"
    if (cache / "bin" / "tiled").exists():
        return python
    made = subprocess.run([sys.executable, "-m", "venv", cache], check=False).returncode == 0
    install: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "tiled[server]",
    ]
    is_there = made and subprocess.run(install, check=False, stderr=subprocess.DEVNULL).returncode == 0
    return python if is_there else None
