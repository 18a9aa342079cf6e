"""YAML texts become nodes with places, and what is wrong is said with its place, never as a traceback."""

import time

import pytest
import yaml

from config.source import BrokenFileError, Mapping, Scalar, Sequence, parse


def refused(data: bytes | str) -> str:
    with pytest.raises(BrokenFileError) as raised:
        parse(data.encode() if isinstance(data, str) else data, "f")
    return str(raised.value)


def test_every_node_knows_its_line_and_column() -> None:
    root, problems = parse(b"a: 1\nb:\n  - x\n  - {y: 'z'}\n", "f")
    assert problems == ()
    items = root.get("b")
    assert isinstance(items, Sequence)
    assert [item.place[1:] for item in items.items] == [(3, 5), (4, 5)]
    assert isinstance(items.items[1], Mapping)
    inner = items.items[1].get("y")
    assert isinstance(inner, Scalar)
    assert (inner.text, inner.is_plain, inner.place) == ("z", False, ("f", 4, 9))


def test_places_are_the_same_with_and_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: [1, \"ä\\n😀\", {b: &x c}]\n# comment\nö: 'x'\ne: *x\nf: |\n  long\n  text\n".encode()
    with_c = parse(text, "f")
    monkeypatch.setattr(yaml, "CSafeLoader", yaml.SafeLoader)
    assert parse(text, "f") == with_c


def test_duplicate_keys_are_found_at_every_depth_all_at_once() -> None:
    _, problems = parse("a: 1\nb: {c: 1, c: 2}\na: 2\ne\u0301: 1\n\u00e9: 2\n".encode(), "f")
    assert [str(problem) for problem in problems] == [
        "f:2:11: c: this key was given before, in line 2 (a key can stand only once; remove one)",
        "f:3:1: a: this key was given before, in line 1 (a key can stand only once; remove one)",
        "f:5:1: \u00e9: this key was given before, in line 4 (a key can stand only once; remove one)",
    ]


def test_a_double_quoted_text_with_a_backslash_is_marked() -> None:
    root, _ = parse(b'a: "x\\\\y"\nb: "xy"\nc: \'x\\y\'\n', "f")
    assert [value.is_bent for _, value in root.entries if isinstance(value, Scalar)] == [True, False, False]


def test_anchors_and_merge_keys_work_and_own_keys_win() -> None:
    root, problems = parse(b"a: &usual {x: 1, y: 2}\nb: {<<: *usual, y: 3}\nc: *usual\n", "f")
    assert problems == ()
    b = root.get("b")
    assert isinstance(b, Mapping)
    assert {key.text: value.text for key, value in b.entries if isinstance(value, Scalar)} == {"y": "3", "x": "1"}
    assert root.get("c") == root.get("a")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "f:1:1: the file is empty (`coverslip init` writes an example)"),
        (b"# nothing\n", "f:1:1: the file is empty (`coverslip init` writes an example)"),
        (b"- a\n", "f:1:1: keys with values are expected here, not a list (begin with keys such as watch:)"),
        (b"\n\nword\n", "f:3:1: keys with values are expected here, not a text (begin with keys such as watch:)"),
        (b"a: 1\nb: \xff\n", "f:2:4: the byte 0xff is not UTF-8 (save the file as UTF-8)"),
        ("ä: ö\x07\n", "f:1:5: the character U+0007 is not allowed in this file"),
        ("a: 1\r\nb: x\u202ey\r\n", "f:2:5: the character U+202E is not allowed in this file"),
        (b"a: 1\n---\nb: 2\n", "f:2:1: a second document begins here (remove the --- line; use include: instead)"),
        (b"a: !!python/os.x x\n", "f:1:4: the tag 'tag:yaml.org,2002:python/os.x' is not used here"),
        (b"a: !env X\n", "f:1:4: the tag '!env' is not used here"),
        (b'a: 1\n"\\0mark": 1\n', "f:2:1: this text would hold the character U+0000, which is not allowed"),
        (b'a: "x\\e[31m"\n', "f:1:4: this text would hold the character U+001B, which is not allowed"),
        (b"a: &x [*x]\n", "f:1:8: there is no &x before this *x"),
        (b"a: *b\n", "f:1:4: there is no &b before this *b"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_said_with_its_place(data: bytes | str, message: str) -> None:
    assert refused(data).startswith(message)


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("m: {group}/{owner}/{image}.{ext}\n", "f:1:4:", "single quotes"),
        ("a:\n  - match: [{stain}/]{image}\n", "f:2:12:", "single quotes"),
        ("a:\n- **/*.tif\n", "f:2:3:", "single quotes"),
        ("a: x\nm: *.tif\n", "f:2:4:", "single quotes"),
        ('a: "{x}\\.tif"\n', "f:1:8:", "in double quotes YAML reads"),
        ("a:\n\tb: 1\n", "f:2:1:", "indent with spaces"),
        ("a: b: c\n", "f:1:5:", "needs quotes"),
    ],
)
def test_bent_templates_get_a_hint(text: str, place: str, hint: str) -> None:
    message = refused(text)
    assert message.startswith(place)
    assert hint in message


def bomb() -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "\n".join(lines).encode()


def deep_aliases() -> bytes:
    return b"a0: &a0 x\n" + b"".join(b"a%d: &a%d [*a%d]\n" % (n, n, n - 1) for n in range(1, 600))


def merging_bomb() -> bytes:
    lines = ["a0: &a0 {k: x}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}], k{n}: x}}" for n in range(1, 12)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (bomb(), "f:6:15: this file holds more than 200,000 values, aliases counted"),
        (merging_bomb(), "f:6:"),
        (deep_aliases(), "f:41:12: this is nested more than 40 levels deep, aliases counted"),
        (b"a: " + b"[" * 1_000_000, "f:1:43: this is nested more than 40 levels deep"),
        (b"a: " + b"{a: " * 400_000, "f:1:160: this is nested more than 40 levels deep"),
        (b"- " * 900_000, "f:1:81: this is nested more than 40 levels deep"),
        (b"? " * 900_000, "f:1:81: this is nested more than 40 levels deep"),
        (b"a: 'x" * 2_500_000, "f:1:1: the file is larger than 2 MB"),
        (b"a: [" + b"x," * 990_000 + b"]", "f:1:"),
        (b"a: " + b"&a " * 600_000, "f:1:"),
        (b"!" * 1_900_000, "f:1:"),
        (b"x" * 1_900_000, "f:1:1: keys with values are expected here, not a text"),
    ],
    ids=[
        "aliases",
        "merges",
        "deep aliases",
        "lists",
        "mappings",
        "dashes",
        "questions",
        "10 MB",
        "items",
        "anchors",
        "tags",
        "text",
    ],
)
def test_hostile_files_are_refused_with_a_place_in_bounded_time(data: bytes, message: str) -> None:
    began = time.process_time()
    assert refused(data).startswith(message)
    assert time.process_time() - began < 10
