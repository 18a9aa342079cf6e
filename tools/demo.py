"""Play a microscope for a minute and show what Coverslip makes of its files.

Everything happens in ``demo/`` of the checkout. With ``--dir DIR`` a folder of one's own is watched instead: it is only
read, and the catalogue and pictures go to ``demo/``.
"""

import argparse
import getpass
import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from demo_microscope import Microscope

CHECKOUT = Path(__file__).resolve().parent.parent
PROGRAM = Path(sys.executable).parent / "coverslip"
MARK = ".made-by-make-demo"
PATIENCE_S = 75.0

PLAYED = """\
# What `make demo` uses; a configuration of your own is written by `coverslip init DIR`.
state_dir: {here}/state
groups:
  smith-lab: {{permissions: private, owners: [jane], members: [ada, ben]}}
  darwin-lab: {{permissions: read-annotate, members: [charles, emma]}}
users:
  ada: {{name: Ada Byron, default_group: smith-lab}}
  ben: {{name: Ben Newcomer}}
  jane: {{name: Jane Smith}}
  charles: {{name: Charles Darwin}}
  emma: {{name: Emma Wedgwood}}
watch:
  - root: {here}/microscope/confocal
    settle: 1s
    rules:
      - match: '{{group}}/{{owner}}/{{project}}/[{{dataset}}/**/]{{image}}.{{ext}}'
        tags: [confocal]
  - root: {here}/microscope/screens
    settle: 1s
    rules:
      - match: '{{group}}/{{owner}}/{{screen}}/{{plate}}/{{well}}.{{ext}}'
        key_values: {{Assay: '{{screen}}'}}
"""

OWN = """\
# What `make demo DIR=...` uses: everything belongs to one person, folders become projects and datasets.
state_dir: {state}
groups:
  my-lab: {{members: [{user}]}}
users:
  {user}: {{default_group: my-lab}}
watch:
  - root: {root}
    name: own
    settle: 1s
    default: {{owner: {user}, group: my-lab}}
    crosscheck: off
    rules:
      - match: '[{{project}}/[{{dataset}}/**/]]{{image}}.{{ext}}'
"""


def say(text: str) -> None:
    """Print a heading that tells what comes next."""
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


class Demo:
    """The folder of the demo and the program run in it."""

    def __init__(self, here: Path) -> None:
        self.here = here
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("COVERSLIP_", "NOTIFY_"))}
        self.environ = kept | {"COVERSLIP_CONFIG": str(here / "coverslip.yaml")}

    def prepare(self) -> None:
        """Make an empty folder; one that this demo did not make is left alone."""
        if self.here.exists():
            if not (self.here / MARK).exists():
                sys.exit(f"{self.here} was not made by the demo; move it away first")
            shutil.rmtree(self.here)
        for folder in ("state", "pictures"):
            (self.here / folder).mkdir(parents=True)
        (self.here / "state").chmod(0o700)
        (self.here / MARK).touch()

    def configure(self, text: str) -> None:
        """Write the configuration."""
        file = self.here / "coverslip.yaml"
        file.write_text(text, encoding="utf-8")
        file.chmod(0o644)

    def show(self, *arguments: str, lines: int = 40) -> None:
        """Run a command as a person would, and show what it prints."""
        print(f"$ coverslip {shlex.join(arguments)}", flush=True)
        done = self._run(*arguments)
        printed = (done.stdout + done.stderr).replace(f"{self.here}/", "").splitlines()
        more = [f"  ... {len(printed) - lines} more lines"] if len(printed) > lines else []
        print("\n".join([*printed[:lines], *more]), flush=True)

    def document(self, *arguments: str) -> Any:
        """Run a command with --json and give its document, None when it had none to give."""
        done = self._run(*arguments, "--json")
        try:
            return json.loads(done.stdout)
        except json.JSONDecodeError:
            return None

    def rows(self, *arguments: str) -> list[Any]:
        """Run a command that prints JSON lines."""
        done = self._run(*arguments, "--json")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, *arguments], env=self.environ, cwd=self.here, capture_output=True, text=True, check=False
        )

    @contextmanager
    def daemon(self) -> Iterator[None]:
        """Run the daemon for the length of a with block."""
        with (self.here / "daemon.log").open("wb") as log:
            process = subprocess.Popen([PROGRAM, "run"], env=self.environ, cwd=self.here, stdout=log, stderr=log)
            try:
                yield
            finally:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        if process.returncode:
            print(f"the daemon ended with {process.returncode}; see {self.here / 'daemon.log'}")

    def counts(self) -> dict[str, int]:
        """Give how many files are in each state."""
        status = self.document("status") or {}
        return {state: number for state, number in (status.get("counts") or {}).items() if number}

    def watch(self, is_writing: Any) -> None:
        """Show the states changing until nothing is on its way any more."""
        started, last = time.monotonic(), None
        pause = threading.Event()
        while time.monotonic() - started < PATIENCE_S:
            counts = self.counts()
            if counts != last:
                text = "  ".join(f"{state} {number}" for state, number in sorted(counts.items()))
                print(f"  {time.monotonic() - started:5.1f} s  {text or 'nothing seen yet'}", flush=True)
            under_way = {"settling", "ready", "importing", "updating"} & counts.keys()
            if counts and counts == last and not under_way and not is_writing():
                return
            last = counts
            pause.wait(0.5)
        print("  (time is up; the rest would follow)")

    def pictures(self, *, at_most: int) -> None:
        """Write a contact sheet of each dataset and plate that has images."""
        for index, row in enumerate(self._sheets()[:at_most]):
            name = "".join(c if c.isalnum() else "-" for c in row["name"])[:60]
            self.show(
                "contact-sheet", f"{row['type']}:{row['id']}", "-o", str(self.here / f"pictures/{index + 1}-{name}.png")
            )

    def _sheets(self) -> list[Any]:
        found: list[Any] = []
        left = list(self.document("tree") or [])
        while left:
            row = left.pop()
            left += row["children"]
            if row["type"] in {"dataset", "plate"} and row["images"] and row["id"] is not None:
                found.append(row)
        return sorted(found, key=lambda row: -row["images"])


def play(demo: Demo) -> None:
    """Play the microscope and tell the story."""
    roots = demo.here / "microscope"
    for name in ("confocal", "screens"):
        (roots / name).mkdir(parents=True)
    demo.configure(PLAYED.format(here=demo.here))
    say("Two microscopes, two labs: smith-lab is private, darwin-lab is read-annotate")
    demo.show("check")
    stop = threading.Event()
    microscope = Microscope(confocal=roots / "confocal", screens=roots / "screens", stop=stop)
    acquisition = threading.Thread(target=microscope.acquire, name="microscope")
    with demo.daemon():
        acquisition.start()
        try:
            say("The microscopes write, the daemon watches: how many files are in which state")
            demo.watch(acquisition.is_alive)
            tell(demo)
        finally:
            stop.set()
            acquisition.join()


def tell(demo: Demo) -> None:
    """Show what has become of the files."""
    confocal = demo.here / "microscope/confocal"
    say("What is in the catalogue now")
    demo.show("tree")
    say("Who sees how much of it (smith-lab is private: Ben does not see Ada's data, Jane leads the lab and does)")
    for user in ("ada", "ben", "jane", "charles", "emma"):
        print(f"  {user:8} {len(demo.rows('images', '--as', user)):3} images", flush=True)
    say("What the rules make of a path, and why")
    demo.show("explain", str(confocal / "smith-lab/ada/mitosis/control/cell_01.ome.tif"))
    say("A file whose owner nobody knows is held, never shown to everybody")
    demo.show("why", str(confocal / "smith-lab/grace/mitosis/borrowed time.ome.tif"))
    say("And one that broke off on its way is not imported until it is whole")
    demo.show("why", str(confocal / "darwin-lab/charles/finches/beak sections/cable pulled.tif"))
    say("Contact sheets")
    demo.pictures(at_most=4)


def look(demo: Demo, folder: Path) -> None:
    """Watch a folder of one's own, only reading it."""
    user = getpass.getuser()
    user = user if user != "root" else "me"
    demo.configure(OWN.format(state=json.dumps(str(demo.here / "state")), root=json.dumps(str(folder)), user=user))
    say(f"Watching {folder}, without writing into it")
    demo.show("check")
    with demo.daemon():
        say("How many files are in which state")
        demo.watch(lambda: False)
        say("What is in the catalogue now")
        demo.show("tree")
        demo.show("images", "--limit", "10")
        say("What was not imported, and why")
        for state in ("held", "unmatched", "quarantined"):
            demo.show("queue", state, lines=8)
        say("Contact sheets")
        demo.pictures(at_most=6)


def main() -> None:
    """Run the demo in the checkout's ``demo/``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, help="a folder of your own, which is only read")
    parser.add_argument("--here", type=Path, default=CHECKOUT / "demo", help="where the demo's files go")
    arguments = parser.parse_args()
    demo = Demo(arguments.here.resolve())
    if arguments.dir is not None and not arguments.dir.is_dir():
        sys.exit(f"{arguments.dir} is no folder")
    demo.prepare()
    if arguments.dir is None:
        play(demo)
    else:
        look(demo, arguments.dir.resolve())
    say(f"Pictures: {demo.here / 'pictures'}    log: {demo.here / 'daemon.log'}")
    print(f"Look further with: export COVERSLIP_CONFIG={demo.here / 'coverslip.yaml'}; {PROGRAM} --help")


if __name__ == "__main__":
    main()
