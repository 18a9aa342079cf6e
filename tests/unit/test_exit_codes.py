"""Each kind of error has its exit code and one sentence."""

import errno

import click
import pytest

from catalog.errors import CatalogueUnavailable, FixedByFile, NotAllowed, NotFound, Refused
from config.problems import ConfigurationError, Problem
from daemon.errors import AnotherInstance, Failed, NotForYou, UnusableConfiguration
from daemon.exits import exit_code, sentence

PROBLEM = Problem(file="x.yaml", line=3, column=5, key="watch", message="is wrong", hint="mend it")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound("x"), 3),
        (NotForYou("x"), 3),
        (NotAllowed("x"), 1),
        (FixedByFile("x"), 1),
        (Refused("x"), 1),
        (Failed("x"), 1),
        (CatalogueUnavailable("x"), 5),
        (AnotherInstance("x"), 4),
        (UnusableConfiguration("x"), 2),
        (ConfigurationError((PROBLEM,)), 2),
        (click.UsageError("x"), 2),
        (OSError(errno.ENOSPC, "No space left on device"), 1),
    ],
)
def test_errors_have_the_exit_codes_of_the_contract(error: Exception, code: int) -> None:
    assert exit_code(error) == code
    assert sentence(error)


def test_an_error_that_nobody_expected_has_none() -> None:
    assert exit_code(ZeroDivisionError()) is None


def test_a_file_error_names_the_file_whatever_its_bytes() -> None:
    assert sentence(OSError(errno.EACCES, "Permission denied", "a\udcff")) == "a\udcff: Permission denied"
    assert sentence(OSError(errno.EACCES, "Permission denied", b"a\xff")) == "a\udcff: Permission denied"


def test_configuration_problems_are_told_with_their_place() -> None:
    assert sentence(ConfigurationError((PROBLEM,))) == "x.yaml:3:5: watch: is wrong (mend it)"
