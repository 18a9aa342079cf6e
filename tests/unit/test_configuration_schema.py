# ruff: noqa: E501 - a table of inputs and their whole messages
"""The schema: what keys and values are taken, and that each wrong one is named with its place and a way out."""

from datetime import timedelta
from pathlib import Path

import pytest

from config.loader import examine, load
from config.settings import Hasher, KeyValueTable, PermissionLevel, SourceMark
from tests.helpers.configurations import problems_of, write

RULE = "watch:\n  - root: .\n    rules:\n      - "


def one(folder: Path, text: str) -> str:
    (problem,) = problems_of(folder, text)
    return problem


def test_a_file_like_the_contract_loads(tmp_path: Path) -> None:
    for name in ("confocal", "screens", "archive"):
        (tmp_path / name).mkdir()
    write(tmp_path, "A1,control\nB2,treated\n", "plate-map.csv")
    path = write(tmp_path, WHOLE)
    settings = load(path, environ={})
    assert settings.state_dir == tmp_path / "state"
    assert settings.groups["smith-lab"].permissions is PermissionLevel.READ_ANNOTATE
    assert settings.groups["smith-lab"].aliases == ("smith_lab", "Smith Lab")
    assert settings.users["ab3c"].default_group == "smith-lab"
    assert settings.people.sources == ("catalog", "system")
    assert settings.people.shared_accounts == ("scope1",)
    assert settings.lookups["folk"]["C. Darwin"] == "cd4e"
    assert settings.lookups["wells"] == {"A1": "control", "B2": "treated"}
    confocal, screens, archive = settings.watch
    assert (confocal.root, confocal.settle, confocal.scan_every) == (
        tmp_path / "confocal", timedelta(seconds=10), timedelta(hours=1),
    )  # fmt: skip
    assert (confocal.hash, confocal.hash_now_bytes) == (Hasher.SHA256, 1 << 30)
    assert confocal.seen_as == {"windows": "Z:\\confocal", "cluster": "/project/confocal"}
    assert confocal.rules[0].match == ("{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}",)
    assert screens.name == "screens"
    rule = screens.rules[0]
    assert rule.examples[0].gives == {"group": "smith-lab", "well": "B3", "field": "02"}
    assert (rule.examples[1].paths, rule.examples[1].gives) == (("a_thumb.tif",), "unmatched")
    assert screens.rules[1].layout == "imagexpress"
    assert rule.mark == SourceMark(file=str(path), line=38, column=9)
    assert str(rule.marks["match.1"]) == f"{path}:38:46"
    assert str(rule.marks["set.owner"]) == f"{path}:39:22"
    assert archive.role == "storage"
    assert str(settings.marks["groups.smith-lab.permissions"]) == f"{path}:6:18"


WHOLE = r"""catalog:
  url: sqlite:///catalog.db
state_dir: state
groups:
  smith-lab:
    permissions: read-annotate
    owners: [js2x]
    members: [ab3c, cd4e]
    aliases: [smith_lab, "Smith Lab"]
users:
  ab3c: {name: Ada Byron, email: ada@example.org, default_group: smith-lab}
people:
  from: [catalog, system]
  system_groups: ["lab-*"]
  shared_accounts: [scope1]
  unknown: hold

lookups:
  folk: {Ada: ab3c, "C. Darwin": cd4e}
  wells: plate-map.csv

watch:
  - root: confocal
    name: confocal
    events: auto
    settle: 10s
    scan_every: 1h
    hash: sha256
    hash_now: 1GiB
    ignore: ['**/*.tmp']
    seen_as: {windows: 'Z:\confocal', cluster: /project/confocal}
    rules:
      - match: '{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}'

  - root: screens
    rules:
      # two ways to write it
      - match: ['{owner}/{a}/{:word}.{ext}', '{group}/{owner}/{screen}/{plate}/*_{well}_s{field}.{ext}']
        set: {owner: '{owner|folk}'}
        examples:
          - path: smith-lab/ab3c/siRNA/P001/exp_B03_s2.tif
            gives: {group: smith-lab, well: B3, field: 02}
          - paths: [a_thumb.tif]
            gives: unmatched
      - match: '{group}/{owner}/{screen}/{plate}'
        layout: imagexpress
        examples:
          - path: smith-lab/ab3c/siRNA/P001/TimePoint_1/exp_B03_s2_w1.tif
            gives: {group: smith-lab, owner: ab3c, screen: siRNA, plate: P001, well: B3, field: 2, channel: 1, t: 1}
          - paths: [smith-lab/ab3c/siRNA/P001/exp_B03_s2_w1_thumb.tif]
            gives: skipped

  - root: archive
    role: storage
"""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("wach: []\n", "f:1:1: wach: this key is not known (did you mean watch?)"),
        ("users: {a: {e-mail: x}}\n", "f:1:13: users.a.e-mail: this key is not known (did you mean email?)"),
        ("groups:\n  a: {zzz: x}\n", "f:2:7: groups.a.zzz: this key is not known (possible: permissions, description, owners, members, aliases)"),
        ("groups: {a: {permissions: read_anotate}}\n", "f:1:27: groups.a.permissions: 'read_anotate' is not possible here (did you mean read-annotate?)"),
        ("groups: {a: {permissions: 42}}\n", "f:1:27: groups.a.permissions: '42' is not possible here (possible: private, read-only, read-annotate, read-write)"),
        ("groups: {a: {members: ab3c}}\n", "f:1:23: groups.a.members: a list is expected here, not a text"),
        ("groups: {a: {members: }}\n", "f:1:14: groups.a.members: a list is expected here, and nothing is written (remove the key, or give it a value)"),
        ("groups: {a/b: }\n", "f:1:10: groups.a/b: 'a/b' is not a name (a name holds no slash and no control characters)"),
        ("users: {'..': {}}\n", "f:1:9: users...: '..' is not a name (`.` and `..` mean folders)"),
        ("groups: {a: {members: [.]}}\n", "f:1:24: groups.a.members.1: '.' is not a name (`.` and `..` mean folders)"),
        ("groups: [a]\n", "f:1:9: groups: keys with values are expected here, not a list"),
        ("people: {unknown: guess}\n", "f:1:19: people.unknown: 'guess' is not possible here (possible: hold, create)"),
        ("people: {sources: [catalog]}\n", "f:1:10: people.sources: this key is not known (possible: from, "),
        ("people: {from: [catalog, ldap]}\n", "f:1:26: people.from.2: 'ldap' is not possible here (possible: catalog, system)"),
        ("workers: many\n", "f:1:10: workers: 'many' is not a whole number"),
        ("workers: 0\n", "f:1:10: workers: this has to be at least 1"),
        ("thumbnails: {size_px: 9000}\n", "f:1:23: thumbnails.size_px: this has to be at most 4096"),
        ("users: {a: {administrator: maybe}}\n", "f:1:28: users.a.administrator: 'maybe' is neither true nor false (write true or false)"),
        ("state_dir: ~/coverslip\n", "f:1:12: state_dir: '~/coverslip': a home folder can't be meant by ~ here (write the whole path)"),
        ("watch:\n", "f:1:1: watch: a list is expected here, and nothing is written (remove the key, or give it a value)"),
        ("watch:\n  root: .\n", "f:2:3: watch: a list is expected here, not keys with values"),
        ("watch:\n  - name: x\n", "f:2:5: watch.1.root: this key is missing"),
        ("watch:\n  - root: .\n    rules:\n", "f:3:5: watch.1.rules: a list is expected here, and nothing is written (remove the key, or give it a value)"),
        ("watch: [{root: ., settle: 10}]\n", "f:1:27: watch.1.settle: '10' is not a duration (write a number and a unit: 500ms 10s 15m 2h 1d)"),
        ("watch: [{root: ., scan_every: 0s}]\n", "f:1:31: watch.1.scan_every: this has to be more than 0s"),
        ("watch: [{root: ., hash_now: lots}]\n", "f:1:29: watch.1.hash_now: 'lots' is not a size (write a number and a unit: 500kB 64MB 2GiB)"),
        ("watch: [{root: ., hash_now_bytes: 1B}]\n", "f:1:19: watch.1.hash_now_bytes: this key is not known (did you mean hash_now?)"),
        ("watch: [{root: ., hash: md5}]\n", "f:1:25: watch.1.hash: 'md5' is not possible here (possible: sha256, blake3, xxh3-128)"),
        (RULE + "match: {group}\n", "f:4:16: watch.1.rules.1.match: a list is expected here, not keys with values (put it in single quotes"),
        (RULE + "match: a\n        set: {owner: {person|folk}}\n", "f:5:22: watch.1.rules.1.set.owner: a text is expected here, not keys with values (put it in single quotes"),
        (RULE + "match: a\n        set: {dataset: [x]}\n", "f:5:24: watch.1.rules.1.set.dataset: a text is expected here, not a list (put it in single quotes"),
        (RULE + 'match: "{a}\\\\.tif"\n', "f:4:16: watch.1.rules.1.match: in double quotes YAML changes the backslashes of this text (put it in single quotes"),
        (RULE + "match: a\n        marks: {x: y}\n", "f:5:9: watch.1.rules.1.marks: this key is not known (possible: name, match, "),
        (RULE + "match: a\n        skip: 1\n", "f:5:15: watch.1.rules.1.skip: '1' is neither true nor false (write true or false)"),
        (RULE + "match: a\n        examples: [{path: a, gives: skip}]\n", "f:5:37: watch.1.rules.1.examples.1.gives: 'skip' is not possible here (did you mean skipped?)"),
        (RULE + "match: a\n        examples: [{path: a}]\n", "f:5:20: watch.1.rules.1.examples.1.gives: this key is missing"),
        (RULE + "match: a\n        examples: [{gives: held}]\n", "f:5:20: watch.1.rules.1.examples.1.paths: this key is missing"),
        (RULE + "match: a\n        examples: [{path: a, paths: [b], gives: held}]\n", "f:5:20: watch.1.rules.1.examples.1: an example takes path or paths, not both"),
        (RULE + "match: a\n        examples: [{path: a, gives: {well: [B3]}}]\n", "f:5:44: watch.1.rules.1.examples.1.gives.well: a text is expected here, not a list (put it in single quotes"),
        (RULE + "match: a\n        owner: ab3c\n", "f:5:16: watch.1.rules.1.owner: 'ab3c' is not possible here (possible: posix)"),
        (RULE + "match: a\n        layout: imagxpress\n", "f:5:17: watch.1.rules.1.layout: there is no layout 'imagxpress' (did you mean imagexpress?)"),
        ("layouts: {mine: []}\n", "f:1:11: layouts.mine: this layout has no rules (give it at least one match)"),
        ("layouts: {mine: [{match: a, layout: scanr}]}\n", "f:1:29: layouts.mine.1.layout: a layout's rule has no layout: it is put below another rule's match"),
        ("catalog: {url: mysql://x}\n", "f:1:16: catalog.url: this is no catalogue that is known (sqlite:///catalog.db or postgresql+psycopg://user@host/db)"),
        ("catalog: {url: 'postgresql://u:secret@h/db'}\n", "f:1:16: catalog.url: a password must not stand in this file (set COVERSLIP_CATALOG_PASSWORD, or the credential catalog-password)"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_place_and_a_way_out(tmp_path: Path, text: str, problem: str) -> None:
    found = one(tmp_path, text)
    assert found.startswith(problem)
    assert "secret" not in found


def test_all_problems_are_reported_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "workers: x\nusers: {a: {nam: b}, a: }\nwatch:\n  - root: .\n    settle: soon\n    layout: x\n"
    assert [problem.split(":")[1] for problem in problems_of(tmp_path, text)] == ["1", "2", "2", "5", "6"]


@pytest.mark.parametrize(
    ("written", "seconds"), [("500ms", 0.5), ("10s", 10), ("15m", 900), ("2h", 7200), ("1d", 86400), ("1.5s", 1.5)]
)
def test_durations(tmp_path: Path, written: str, seconds: float) -> None:
    settings = load(write(tmp_path, f"watch: [{{root: ., settle: {written}}}]"), environ={})
    assert settings.watch[0].settle == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("written", "size"), [("64MB", 64_000_000), ("2GiB", 2 << 30), ("0B", 0), ("1.5kB", 1500), ("3 TiB", 3 << 40)]
)
def test_sizes(tmp_path: Path, written: str, size: int) -> None:
    settings = load(write(tmp_path, f"watch: [{{root: ., hash_now: {written}}}]"), environ={})
    assert settings.watch[0].hash_now_bytes == size


def test_key_values_are_a_mapping_or_a_table(tmp_path: Path) -> None:
    rules = "[{match: '{stain}', key_values: {Stain: '[{stain}]'}}, {match: b, key_values: {from: map.csv, by: well}}]"
    settings = examine(write(tmp_path, f"watch: [{{root: ., rules: {rules}}}]"), environ={}).settings
    assert settings is not None
    first, second = settings.watch[0].rules
    assert first.key_values == {"Stain": "[{stain}]"}
    assert second.key_values == KeyValueTable(table="map.csv", by="well", on=None)
    assert second.key_values.goes_to(second.said_on) == "well"


def test_an_empty_section_declares_and_leaves_the_rest_free(tmp_path: Path) -> None:
    settings = load(write(tmp_path, "groups:\n  smith-lab:\nusers:\n  ab3c:\npeople:\n"), environ={})
    assert settings.groups["smith-lab"].members is None
    assert settings.users["ab3c"].default_group is None


def test_channels_that_become_equal_are_duplicates(tmp_path: Path) -> None:
    problems = problems_of(
        tmp_path, RULE + "match: a\n        channels:\n          01: {name: a}\n          1: {name: b}\n"
    )
    assert (
        "f:7:11: watch.1.rules.1.channels.1: this is the same channel as '01' in line 6 (a channel can stand only once; remove one)"
        in problems
    )


def test_aliases_that_stay_small_may_be_used(tmp_path: Path) -> None:
    text = "watch:\n  - &usual {root: ., settle: 5s}\n  - {<<: *usual, root: other, name: b}\n"
    (tmp_path / "other").mkdir()
    problems = problems_of(tmp_path, text)
    assert problems == [
        "f:3:24: root: {folder}/other lies inside the root {folder} (f:2:5) (each file may lie below one root only; keep one of the two, with rules for both)"
    ]
