"""``coverslip check``: everything that is wrong with a configuration, at once, with file, line and column."""

import os
from dataclasses import dataclass
from pathlib import Path

import click

from config.check import CheckReport, check
from config.examples import ExampleCounts
from config.problems import Problem
from daemon.context import Context, with_context
from daemon.exits import Exit
from daemon.options import command as coverslip_command
from daemon.output import Output
from daemon.values import ANY_PATH


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckDocument:
    """Whether a configuration can be used, what is wrong with it, and how its examples went; warnings stop nothing."""

    ok: bool
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    examples: ExampleCounts


def document_of(report: CheckReport) -> CheckDocument:
    """Give what leaves the program of a report."""
    return CheckDocument(ok=report.ok, problems=report.problems, warnings=report.warnings, examples=report.examples)


def show(document: CheckDocument, output: Output) -> None:
    """Print the problems as editors understand them, and the verdict."""
    for problem in document.problems:
        output.line(str(problem), fg="red")
    for problem in document.warnings:
        output.line(f"{problem} [warning]", fg="yellow")
    examples = document.examples
    ran = f"; examples: {examples.passed} passed, {examples.failed} failed" if examples.passed + examples.failed else ""
    if document.ok:
        output.line(f"the configuration is right{ran}", fg="green")
    else:
        output.line(f"problems: {len(document.problems)}{ran}")


@coverslip_command("check", examples=("coverslip check", "coverslip check new.yaml --json"), answers=CheckDocument)
@click.argument("file", required=False, type=ANY_PATH)
@with_context
def command(context: Context, file: Path | None) -> int:
    """Validate a configuration and run its embedded examples.

    Ends with 0 when the file can be used, else with 2. Nothing is changed; a running daemon is not told.
    """
    context.refuse_unless_administrator()
    report = check(file if file is not None else context.configuration, os.environ)
    context.output.document(document_of(report), show)
    return Exit.DONE if report.ok else Exit.USAGE
