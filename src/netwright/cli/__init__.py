"""The command line: parses and prints, no more. Results go to standard output, everything else to standard error."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from netwright._version import __version__
from netwright.cli.answering import evaluate, predict, serve
from netwright.cli.exporting import export
from netwright.cli.extras import EXTRA_OF
from netwright.cli.looking import doctor, show
from netwright.cli.training import fit, pick
from netwright.errors import MissingExtra, NetwrightError
from netwright.streams import open_streams, put, say

INTERRUPTED = 130  # the exit status that shells give to what Ctrl-C ended
EXAMPLES: dict[Callable[..., None], str] = {
    fit: "penguins.csv --target species --time 60s",
    pick: "netwright-run --max-size 1MB",
    predict: "netwright-run/model.nw new.csv -o answers.csv",
    evaluate: "netwright-run/model.nw test.csv --json",
    show: "netwright-run/model.nw",
    export: "netwright-run/model.nw --to onnx -o penguins-onnx",
    serve: "netwright-run/model.nw --port 8000",
    doctor: "",
}
"""Each command, in the order of the help, with the words of an example behind its name."""

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command, _words in EXAMPLES.items():
    app.command(epilog=f"Example: netwright {_command.__name__} {_words}".rstrip())(_command)

# Typer has no public name for it: older releases take it from click.
_Misuse: type[Exception] = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "UsageError")


def main() -> None:
    """Run the command; errors that a user can mend become one or two sentences and an exit status."""
    open_streams()
    status = _run()
    gc.freeze()  # the interpreter's last collection would search all of PyTorch for cycles, which takes a second
    sys.exit(status)


def _run() -> int:
    """Return the exit status of the command that `sys.argv` holds."""
    try:
        return int(app(prog_name="netwright", standalone_mode=False) or 0)
    except NetwrightError as error:
        say(str(error))
        return error.exit_status
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRA_OF:
            raise
        missing = MissingExtra(package, EXTRA_OF[package])
        say(str(missing))
        return missing.exit_status
    except BrokenPipeError:
        return 1  # whoever read our output has gone
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except _Misuse as error:
        say(_misuse(error))
        return NetwrightError.exit_status


def _misuse(error: Any) -> str:
    """Return what is wrong with the words of a command, and where help is."""
    command = error.ctx.command_path if error.ctx else "netwright"
    said = error.format_message()
    return f"{said}{'' if said.endswith(('.', '?')) else '.'} See: {command} --help"


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Neural networks made to measure: a table, a target and a time limit in, one file that you own out."""
    if version:
        put(__version__)
    elif context.invoked_subcommand is None:
        put(context.get_help())
