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

store = App(name="store", help="Show what the completion store holds and has saved.")
app.command(store)

_ASK_AGAIN_LATER = 75

Options = Annotated[str, Parameter(allow_leading_hyphen=True, show=False)]
ForPrograms = Annotated[bool, Parameter(negative=(), help="Print JSON, for programs.")]


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


@app.command(help_flags=[])
def plan(flow: str = "", *options: Options) -> None:
    """Say what a refresh would do and cost, without a call: `stillhouse plan FLOW [OPTIONS]`.

    For each step new, changed, unchanged and removed rows, calls, tokens, money, and why.
    `--markdown` prints a page, `--json` values for programs.
    """
    from flows.command.plan import plan_flow

    plan_flow(flow, options)


@app.command
def publish(
    folder: Path,
    *,
    repo: str | None = None,
    private: Annotated[bool, Parameter(negative=())] = False,
    branch: str | None = None,
    pull_request: Annotated[bool, Parameter(negative=())] = False,
    to: str | None = None,
) -> None:
    """Publish a saved version, without a run: `stillhouse publish FOLDER --repo owner/name`.

    FOLDER is a dataset folder, or a candidate that was kept: a gate failed, nobody approved.
    `--to` publishes to a URL such as s3://bucket/name.
    """
    from flows.command.publish import publish_version

    publish_version(folder, repo, private=private, branch=branch, pull_request=pull_request, to=to)


@app.command
def explain(key: str, *, version: str | None = None, json: ForPrograms = False) -> None:
    """Tell one row's story: its source row, every prompt and raw reply, and what was made of them.

    KEY is a row's key, the first characters of it, or column=value. VERSION is a dataset folder or
    owner/name@v3.
    """
    from flows.command.explain import explain_row

    explain_row(key, version, json=json)


@app.command
def replay(version: str, *, to: Path | None = None) -> None:
    """Make a version again from what it keeps, without network, and compare every byte.

    VERSION is a dataset folder or owner/name@v3. `--to` keeps what was made.
    """
    from flows.command.replay import replay_version

    replay_version(version, to)


@app.command
def approve(
    run: str | None = None,
    *,
    decline: Annotated[bool, Parameter(negative=())] = False,
    note: str = "",
) -> None:
    """Let a run that waits for approval go on, or end it with --decline; alone, list them.

    RUN is a flow run's name, its id, or the first characters of that.
    """
    from flows.command.approve import approve_run

    approve_run(run, decline=decline, note=note)


@app.command
def show(pipeline: Path) -> None:
    """Draw a pipeline file as text and for Mermaid."""
    from flows.command.show import show_pipeline

    show_pipeline(pipeline)


@app.command
def steps(
    name: str | None = None, *, markdown: Annotated[bool, Parameter(negative=())] = False
) -> None:
    """List the steps with their columns, or tell all about one: paper, parameters, an example.

    `--markdown` prints the whole catalogue as a page.
    """
    from flows.command.steps import list_steps

    list_steps(name, markdown=markdown)


new = App(name="new", help="Write files to start from.")
app.command(new)


@new.command(name="task")
def new_task(name: str, *, folder: Path | None = None) -> None:
    """Write a task and its test to start from: `stillhouse new task Sentiment`.

    NAME is the class's name. In a checkout the files go to tasks/own and tests/tasks/own; with
    `--folder`, or elsewhere, they stand beside each other.
    """
    from flows.command.new_task import write_task

    write_task(name, folder)


@app.command
def models(*, check: str | None = None, json: ForPrograms = False) -> None:
    """List the providers of models, what they support and what they need.

    `--check provider:model` makes one small call of a model and tells what came back.
    """
    from flows.command.models import list_models

    list_models(check, as_json=json)


@app.command
def ui(*, port: int = 4200) -> None:
    """Serve the Prefect UI for the runs of this folder, until Ctrl-C."""
    from flows.command.ui import serve_ui

    serve_ui(port)


@store.default
def show_store(*, json: ForPrograms = False) -> None:
    """Show size, answers, money spent and saved, and what each dataset cost in each month."""
    from flows.command.store import show_store

    show_store(json)


@store.command
def prune(
    *,
    older_than: str | None = None,
    pipeline: str | None = None,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    json: ForPrograms = False,
) -> None:
    """Remove stored answers: `stillhouse store prune --older-than 30d`.

    `--older-than` takes those unused for some minutes, hours, days or weeks (90m, 12h, 30d, 4w),
    `--pipeline` those made for a pipeline, both together the answers that are both. What is
    removed is paid for again when it is next needed; `--dry-run` only counts it.
    """
    from flows.command.store import prune_store

    prune_store(older_than, pipeline, dry_run=dry_run, json=json)


def main() -> None:
    """Run the command; an error of the user's is one sentence and no traceback.

    It exits with 75 if the run waits for batch jobs, and with 1 or 2 for what is to be mended.
    """
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
        from llms.errors import BatchPending, StillhouseError

        if not isinstance(error, StillhouseError):
            raise
        print(f"stillhouse: {error}", file=sys.stderr)
        sys.exit(_ASK_AGAIN_LATER if isinstance(error, BatchPending) else 1)
