"""``coverslip completion``: the script that makes a shell complete commands and options."""

import click
from click.shell_completion import get_completion_class

from daemon.errors import Failed
from daemon.options import command as coverslip_command

#: What click calls the variable by which the script asks the program for completions.
VARIABLE = "_COVERSLIP_COMPLETE"


def script(shell: str, program: click.Command) -> str:
    """Give the completion script of a shell."""
    maker = get_completion_class(shell)
    if maker is None:
        raise Failed(f"there is no completion for {shell}; there is for bash, zsh and fish")
    return maker(program, {}, "coverslip", VARIABLE).source()


@coverslip_command(
    "completion",
    examples=(
        "coverslip completion bash > ~/.local/share/bash-completion/completions/coverslip",
        'coverslip completion zsh > "${fpath[1]}/_coverslip"',
        "coverslip completion fish > ~/.config/fish/completions/coverslip.fish",
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(click_context: click.Context, shell: str) -> None:
    """Print the completion script for a shell."""
    click.echo(script(shell, click_context.find_root().command))
