"""``coverslip run``: the daemon, in the foreground, as systemd starts it."""

import os

import click

from daemon.commands.version import program_version
from daemon.context import Context, with_context
from daemon.logs import LogFormat, configure_logs
from daemon.options import command as coverslip_command


@coverslip_command("run", examples=("coverslip run", "coverslip run -c lab.yaml --log-format json"))
@click.option(
    "--log-format",
    type=click.Choice([format.value for format in LogFormat]),
    default=LogFormat.AUTO.value,
    show_default=True,
    help="How log lines look; auto: for the journal under systemd, else text.",
)
@with_context
def command(context: Context, log_format: str) -> int:
    """Watch the folders and import what comes, until it is told to stop.

    SIGTERM and SIGINT stop it (a second one at once), SIGHUP has it read the configuration again.
    """
    from daemon.running import run_daemon

    context.refuse_as()
    configure_logs(LogFormat(log_format), os.environ)
    return run_daemon(context.configuration, environ=os.environ, version=program_version())
