"""Whatever the text, loading it ends soon: with settings, or with problems that have a place."""

import json
import tempfile
import time
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from config.check import check
from config.loader import examine
from config.show import effective
from tests.helpers.examples import examples

KEYS = (
    "watch root rules match set where lookups groups users people include state_dir examples path gives settle "
    "members aliases default_group key_values tags skip regex layouts channels complete catalog url hash_now from "
    '{group}/{owner} \'{a}\' [x] *a &a << !t | > - ? : , # "\\q" "\\0mark" "\\0x" "\\u202e" '
    "10s 64MB yes 0012 ~ null sqlite:///x %Y @ `"
)
WORDS = st.sampled_from(KEYS.split(" "))
GAPS = st.sampled_from(
    [" ", ": ", "\n", "\n  ", "\n    ", ":\n  - ", "\n- ", ", ", "{", "}", "[", "]", "\t", "\r\n", ""]
)
YAMLISH = st.lists(st.tuples(WORDS, GAPS), max_size=40).map(lambda pairs: "".join(a + b for a, b in pairs))
NESTED = st.recursive(
    WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=4),
    max_leaves=25,
)
SHAPED = NESTED.map(lambda value: "watch: [{root: /nowhere, rules: [" + str(value) + "]}]\n" + "groups: " + str(value))


@settings(max_examples=examples(300))
@given(text=st.one_of(YAMLISH, SHAPED, st.text(max_size=60)).map(lambda t: t.encode()) | st.binary(max_size=60))
def test_any_text_gives_settings_or_problems_with_a_place(text: bytes) -> None:
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coverslip.yaml"
        path.write_bytes(text)
        examined = examine(path, environ={})
    assert time.process_time() - began < 5
    assert examined.settings is not None or examined.errors
    for problem in examined.problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.line <= text.count(b"\n") + text.count(b"\r") + 2 or problem.file != str(path)
        assert "\n" not in problem.message
        assert "\0" not in str(problem)


VALUES = (
    WORDS | st.text(max_size=8) | st.sampled_from(["{a}", "[{a}]", "{a|lower}", "{well:96}.{ext}", "**/{x:int}", "a/b"])
)
TEXTS = st.dictionaries(VALUES, VALUES, max_size=3)
RULES = st.fixed_dictionaries(
    {"match": VALUES | st.lists(VALUES, max_size=3)},
    optional={
        "set": st.dictionaries(st.sampled_from(["owner", "group", "dataset", "well", "x"]), VALUES, max_size=3),
        "where": TEXTS,
        "regex": VALUES,
        "tags": st.lists(VALUES, max_size=2),
        "key_values": TEXTS,
        "complete": TEXTS,
        "examples": st.lists(st.fixed_dictionaries({"path": VALUES, "gives": VALUES | TEXTS}), max_size=2),
    },
)
FILES = st.fixed_dictionaries(
    {"watch": st.lists(st.fixed_dictionaries({"root": VALUES, "rules": st.lists(RULES, max_size=2)}), max_size=2)},
    optional={
        "groups": st.dictionaries(
            VALUES, st.fixed_dictionaries({}, optional={"members": st.lists(VALUES)}), max_size=2
        ),
        "users": st.dictionaries(VALUES, st.fixed_dictionaries({}, optional={"default_group": VALUES}), max_size=2),
        "lookups": st.dictionaries(VALUES, TEXTS | VALUES, max_size=2),
        "catalog": st.fixed_dictionaries({"url": VALUES}),
        "state_dir": VALUES,
    },
)


@settings(max_examples=examples(200))
@given(document=FILES)
def test_a_file_of_the_right_shape_and_any_content_is_checked_to_the_end(document: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coverslip.yaml"
        path.write_text(json.dumps(document), encoding="utf-8")
        report = check(path, {})
        if report.ok and report.settings is not None:
            shown = effective(report.settings)
            path.write_text(shown, encoding="utf-8")
            assert check(path, {}).ok
    assert report.ok or report.problems
