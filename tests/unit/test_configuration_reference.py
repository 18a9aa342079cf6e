"""The reference page says what the schema says, and names every key."""

from pathlib import Path

import pytest

from config import reference
from config.crosschecks import BUILT_IN_FILTERS
from config.describing import keys_of, sections
from config.rule_values import TARGETS
from config.templates_output import FILTERS
from tests.helpers.configurations import problems_of

RULES_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "rules.md"


def test_the_reference_page_is_up_to_date() -> None:
    assert reference.main(["--check"]) == 0, "run `make docs`"


def test_a_page_that_is_not_up_to_date_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "PAGE", tmp_path / "page.md")
    assert reference.main(["--check"]) == 1
    assert "make docs" in capsys.readouterr().err
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0


def test_every_key_is_on_the_page_with_a_meaning() -> None:
    page = reference.page()
    for _, model in sections():
        for key in keys_of(model):
            assert key.description, f"{model.__name__}.{key.name} has no description"
            assert key.name == "by" or f"| `{key.name}` |" in page


def test_the_page_on_rules_names_every_target_and_filter() -> None:
    text = RULES_PAGE.read_text(encoding="utf-8")
    assert [name for name in (*TARGETS, *FILTERS) if name not in text] == []
    assert set(FILTERS) == BUILT_IN_FILTERS


@pytest.mark.parametrize("name", ["lower", "a|b", "{a}"])
def test_a_lookup_that_no_template_can_name_is_refused(tmp_path: Path, name: str) -> None:
    (problem,) = problems_of(tmp_path, f"lookups:\n  '{name}': {{a: b}}\n")
    assert problem.startswith(f"f:2:3: lookups.{name}: '{name}' ")


def test_rules_of_a_storage_root_get_a_warning_that_they_do_nothing(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "watch: [{root: ., role: storage}]\n") == []
    (problem,) = problems_of(tmp_path, "watch: [{root: ., role: storage, rules: [{match: '{image}.{ext}'}]}]\n")
    assert problem.startswith("f:1:34: rules: a storage root holds copies of known files")
