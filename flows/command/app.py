"""The command line: what it takes, and what it says when something is wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

app = App(
    name="stillhouse",
    help="Make synthetic datasets with language models and keep them fresh.",
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,
)

Options = Annotated[str, Parameter(allow_leading_hyphen=True, show=False)]


@app.command(help_flags=[])
def run(flow: str = "", *options: Options) -> None:
    """Run a flow or a pipeline file: `stillhouse run FLOW [OPTIONS]`.

    FLOW is a flow of this project (`stillhouse run` alone lists them), a Python file with a flow,
    or a pipeline in YAML. `stillhouse run FLOW --help` shows its options. What is finished is
    kept: the same command goes on where the last one stopped.
    """
    from flows.command.run import run_flow

    run_flow(flow, options)


@app.command(help_flags=[])
def preview(flow: str = "", *options: Options) -> None:
    """Show every prompt and raw reply for a few rows: `stillhouse preview FLOW --rows 3`."""
    from flows.command.preview import preview_flow

    preview_flow(flow, options)


@app.command
def show(pipeline: Path) -> None:
    """Draw a pipeline file as text and for Mermaid."""
    from flows.command.show import show_pipeline

    show_pipeline(pipeline)


@app.command
def steps(name: str | None = None) -> None:
    """List the steps with their columns, or tell all about one."""
    from flows.command.steps import list_steps

    list_steps(name)


@app.command
def ui(*, port: int = 4200) -> None:
    """Serve the Prefect UI for the runs of this folder, until Ctrl-C."""
    from flows.command.ui import serve_ui

    serve_ui(port)


def main() -> None:
    """Run the command; an error of the user's is one sentence and no traceback."""
    try:
        app(sys.argv[1:], exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        print(f"stillhouse: {str(error).strip()} See `stillhouse --help`.", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(
            "\nstillhouse: stopped. What is finished is kept; the same command goes on from there.",
            file=sys.stderr,
        )
        sys.exit(130)
    except Exception as error:
        # Imported only now: `--help` need not wait for it.
        from llms.errors import StillhouseError

        if not isinstance(error, StillhouseError):
            raise
        print(f"stillhouse: {error}", file=sys.stderr)
        sys.exit(1)
