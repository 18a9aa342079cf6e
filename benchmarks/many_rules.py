"""Many rules over many paths: what finding the rule of each file costs beside a walk that reads names only."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.harness import Figure, spread
from config.loader import load
from config.path_text import path_text
from config.rule_index import RuleIndex
from config.rule_values import RuleMatch
from config.rules import RootRules, compile_all

RULES = 500
FILES_OF_A_FOLDER = 100
TARGET = 6.0
#: Five ways in which facilities write rules; ``{n}`` tells those of one way apart.
MATCHES = (
    "lab{n:03}/{{owner}}/{{project}}/[{{dataset}}/**/]{{image}}.{{ext}}",
    "{{group}}/{{owner}}/screen{n:03}/{{plate}}/{{:text}}_{{well}}_s{{field}}_w{{channel:int}}.{{ext}}",
    "{{owner}}/{{day:%Y%m%d}}_project{n:03}[_{{stain}}]/**/{{image}}.{{ext}}",
    "scope/{{owner}}_{{project}}/*_kind{n:03}_z{{z}}.{{ext}}",
    "**/{{dataset}}/run{n:03}_{{image}}.{{ext}}",
)


def _folder(number: int) -> str:
    n = number % RULES
    return (
        f"lab{n:03}/ada/mitosis/day{number}",
        f"smith/ada/screen{n:03}/P{number}",
        f"ada/20240506_project{n:03}/slide{number}",
        f"scope/ada_p{number}",
        f"archive/a/b/d{number}",
    )[n % len(MATCHES)]


def _names(number: int) -> Iterator[str]:
    n = number % RULES
    for file in range(FILES_OF_A_FOLDER):
        yield (
            f"cell_{file}.ome.tif",
            f"exp_B{file % 12 + 1:02}_s{file}_w1.tif",
            f"im{file}.tif",
            f"x_kind{n:03}_z{file}.tif",
            f"run{n:03}_{file}.tif",
        )[n % len(MATCHES)]


def rules_of(folder: Path, root: Path) -> RootRules:
    """Write and load a configuration of many rules."""
    lines = "".join(f"      - match: '{MATCHES[n % len(MATCHES)].format(n=n)}'\n" for n in range(RULES))
    file = folder / "coverslip.yaml"
    file.write_text(f"state_dir: {folder}/state\nwatch:\n  - root: {root}\n    rules:\n{lines}", encoding="utf-8")
    return compile_all(load(file, environ={}))[root.name]


def make_tree(root: Path, files: int) -> None:
    """Make empty files in folders of a hundred."""
    for number in range(files // FILES_OF_A_FOLDER):
        folder = root / _folder(number)
        folder.mkdir(parents=True)
        for name in _names(number):
            os.close(os.open(folder / name, os.O_CREAT | os.O_WRONLY, 0o644))


def walk(root: bytes) -> Iterator[bytes]:
    """Give the paths of all files relative to the root, from names alone: the baseline."""
    waiting = [(root, b"")]
    while waiting:
        path, relative = waiting.pop()
        with os.scandir(path) as entries:
            for entry in entries:
                name = relative + entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, name + b"/"))
                else:
                    yield name


def _timed(run: Callable[[], int], files: int) -> float:
    before = time.process_time()
    assert run() == files
    return time.process_time() - before


def measure(*, files: int, rounds: int) -> tuple[Figure, Figure]:
    """Measure the walk alone, with the rule of each file found, and with all that the rule says; in turn."""
    with tempfile.TemporaryDirectory(prefix="coverslip-bench-") as name:
        root = Path(name) / "data"
        root.mkdir()
        make_tree(root, files)
        rules = rules_of(Path(name), root)
        index, raw = RuleIndex(rules.rules), os.fsencode(root)
        runs: dict[str, Callable[[], int]] = {
            "walk": lambda: sum(1 for _ in walk(raw)),
            "found": lambda: sum(len(index.rules_for(path_text(path).encode())) == 1 for path in walk(raw)),
            "said": lambda: sum(isinstance(rules.match(path), RuleMatch) for path in walk(raw)),
        }
        taken: dict[str, list[float]] = {kind: [] for kind in runs}
        for _ in range(rounds):
            for kind, run in runs.items():
                taken[kind].append(_timed(run, files))
    found, said = (_figure(kind, taken, files) for kind in ("found", "said"))
    return found, said


def _figure(kind: str, taken: dict[str, list[float]], files: int) -> Figure:
    what = {"found": "the rule of each found", "said": "with all that the rule says"}[kind]
    figure, baseline = statistics.median(taken[kind]), statistics.median(taken["walk"])
    ratio = figure / baseline
    return Figure(
        number=10,
        name=f"{RULES} rules over {files:,} paths, walked: {what}",
        value=f"{figure / files * 1e6:.1f} us a path (CPU)",
        baseline=f"walk of names {baseline / files * 1e6:.1f} us",
        ratio=ratio,
        target=f"<= {TARGET:g} times",
        holds=ratio <= TARGET,
        spread=spread([one / files * 1e6 for one in taken[kind]], "us"),
    )
