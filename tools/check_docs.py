"""Checks the documentation: relative links lead somewhere, `make` targets and paths named in it exist."""

import re
import subprocess
import sys
from pathlib import Path

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
MAKE = re.compile(r"`make ([a-z]+)[^`]*`")
TICKED_PATH = re.compile(r"`((?:config|catalog|ingest|daemon|systemd|tests|benchmarks|tools|docs)/[\w./-]*)`")
TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)


def pages() -> list[Path]:
    """List the Markdown pages that git tracks."""
    listed = subprocess.run(["git", "ls-files", "*.md"], capture_output=True, text=True, check=True).stdout
    return [Path(line) for line in listed.splitlines()]


def problems_of(page: Path, targets: set[str]) -> list[str]:
    """Find links, make targets and paths of one page that lead nowhere."""
    found = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{page}:{number}"
        relative = [link for link in LINK.findall(line) if not re.match(r"[a-z]+:", link)]
        found += [
            f"{where}: the link to {link} leads nowhere" for link in relative if not (page.parent / link).exists()
        ]
        found += [f"{where}: there is no `make {name}`" for name in MAKE.findall(line) if name not in targets]
        found += [f"{where}: {path} does not exist" for path in TICKED_PATH.findall(line) if not Path(path).exists()]
    return found


def main() -> int:
    """Print every problem; exit 1 when there is one."""
    targets = set(TARGET.findall(Path("Makefile").read_text(encoding="utf-8")))
    checked = pages()
    found = [problem for page in checked for problem in problems_of(page, targets)]
    for problem in found:
        sys.stdout.write(problem + "\n")
    sys.stdout.write(f"{len(checked)} pages, {len(found)} problems\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
