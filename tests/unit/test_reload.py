"""Which configuration is in force: examples gate the start and a reload, as any other mistake does."""

from pathlib import Path

import pytest

from config.loader import load, remember_good
from config.problems import ConfigurationError
from daemon.reload import ConfigurationKeeper, first_configuration
from tests.helpers.configurations import write

RULES = """state_dir: state
watch:
  - root: data
    name: scope
    rules:
      - match: '{group}/{owner}/{project}/{image}.{ext}'
        examples:
          - path: lab/ada/mitosis/a.tif
            gives: {owner: WHO}
"""
GOOD, BAD = RULES.replace("WHO", "ada"), RULES.replace("WHO", "bob")


def test_an_edit_whose_examples_fail_is_refused_and_the_configuration_in_force_stays(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    keeper = ConfigurationKeeper(path=path, environ={}, in_force=first_configuration(path, {}))
    path.write_text(BAD)

    assert keeper.has_changed()
    assert keeper.candidate() is None

    assert keeper.in_force.settings.source_text == GOOD
    assert keeper.in_force.problem is not None
    assert ":8:" in keeper.in_force.problem
    assert "owner is 'ada', not 'bob'" in keeper.in_force.problem
    path.write_text(GOOD.replace("mitosis/a.tif", "meiosis/a.tif"))
    assert keeper.candidate() is not None


def test_the_last_good_configuration_counts_when_examples_fail_at_the_start(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    (tmp_path / "state").mkdir()
    remember_good(load(path, environ={}))
    path.write_text(BAD)

    found = first_configuration(path, {})

    assert found.settings.source_text == GOOD
    assert found.problem is not None


def test_without_a_last_good_configuration_failing_examples_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="owner is 'ada', not 'bob'"):
        first_configuration(write(tmp_path, BAD), {})


def test_a_root_without_rules_is_logged_once_as_long_as_it_has_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path, "state_dir: state\nwatch: [{root: data, name: scope}]\n")
    (tmp_path / "state").mkdir()
    keeper = ConfigurationKeeper(path=path, environ={}, in_force=first_configuration(path, {}))

    def told(text: str | None = None) -> int:
        caplog.clear()
        if text is None:
            keeper.tell_roots_without_rules()
        else:
            path.write_text(text)
            keeper.accept(load(path, environ={}))
        lines = [record.__dict__["problem"] for record in caplog.records if "without_rules" in record.message]
        assert all("coverslip.yaml:2:9: rules: the root scope has no rules" in line for line in lines)
        return len(lines)

    without = path.read_text()
    assert [told(), told(), told(without + "workers: 1\n"), told(GOOD), told(without)] == [1, 0, 0, 0, 1]
