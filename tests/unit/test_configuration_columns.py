"""A problem inside a template points at the very character, however the template is written."""

from pathlib import Path

import pytest

from config.check import check
from tests.helpers.configurations import write

HEAD = "state_dir: /nowhere/state\nwatch:\n  - root: .\n    rules:\n      - "


@pytest.mark.parametrize(
    "written",
    [
        "match: lab/{project:^itn}/{image}.{ext}",
        "match: '{group}/{project:^itn}/{image}.{ext}'",
        'match: "{group}/{project:^itn}/{image}.{ext}"',
        "match: 'it''s/{group}/{project:^itn}/{image}.{ext}'",
        r'match: "\x41\u00e4\t\"/{project:^itn}/{image}.{ext}"',
        "match:\n          - lab/x.tif\n          - lab/{project:^itn}/{image}.{ext}",
        "match: [lab/x.tif, 'lab/''/{project:^itn}/{image}.{ext}']",
        "match:   >-\n          lab/a\n          b/{project:^itn}/{image}.{ext}",
        "match: |-\n          lab/\n          {project:^itn}/{image}.{ext}",
        "match: lab/a\n          b/{project:^itn}/{image}.{ext}",
        "match: 'lab/a \n\n          b/{project:^itn}/{image}.{ext}'",
        'match: "lab/a\\\n          b/{project:^itn}/{image}.{ext}"',
        "set: {dataset: '^{image:itn}'}\n        match: '{image}.{ext}'",
        "set:\n          dataset: itn^{image:itn}\n        match: '{image}.{ext}'",
        "match: &same lab/{project:^itn}/{image}.{ext}",
    ],
)
def test_the_column_is_that_of_the_character(tmp_path: Path, written: str) -> None:
    before = HEAD + written[: written.index("^")]
    expected = (before.count("\n") + 1, len(before) - before.rfind("\n"))
    report = check(write(tmp_path, HEAD + written.replace("^", "") + "\n"), {})
    assert expected in [(p.line, p.column) for p in report.problems], report.problems
    assert "itn" in str(report.problems)
