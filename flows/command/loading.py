"""Finding what a user names: a flow of the project, a Python file, or a pipeline in YAML."""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter
from prefect import Flow
from pydantic import BaseModel, Field, ValidationError

import flows
from flows.pipeline import Pipeline
from flows.settings import FlowSettings
from llms.config import explain
from llms.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class FlowFile:
    """A flow with its settings (one pydantic model) and, by convention, `pipeline(settings)`."""

    name: str
    flow: Flow[Any, Any]
    settings: type[BaseModel]
    pipeline: Callable[[Any], Pipeline] | None


def find_flow(name: str) -> FlowFile:
    """Return the flow that a name, a Python file or a YAML file stands for.

    Raises:
        ConfigurationError: there is no such flow.
    """
    if name.endswith((".yaml", ".yml")):
        return _from_yaml(Path(name))
    if name.endswith(".py"):
        return _from_module(_module_at(Path(name)), Path(name).stem)
    if name not in (known := project_flows()):
        raise ConfigurationError(
            f"There is no flow {name!r}; there is: {', '.join(known)}. "
            f"Or name a Python file (.py) or a pipeline (.yaml)."
        )
    return _from_module(import_module(f"flows.{name}"), name)


def project_flows() -> list[str]:
    """Return the names of the project's flows: the modules of flows/ that define one."""
    names = []
    for module in pkgutil.iter_modules(flows.__path__):
        file = Path(flows.__path__[0]) / f"{module.name}.py"
        if not module.ispkg and "@flow" in file.read_text(encoding="utf-8"):
            names.append(module.name)
    return sorted(names)


def read_settings(found: FlowFile, options: Sequence[str], command: str) -> Any:
    """Return the settings that options on the command line mean; `--help` shows them and exits.

    Raises:
        ConfigurationError: a value is not what it should be.
    """

    def take(*, settings: Any = None) -> Any:
        return settings or found.settings()

    take.__annotations__ = {"settings": Annotated[found.settings | None, Parameter(name="*")]}
    app = App(
        name=f"stillhouse {command} {found.name}",
        help=found.flow.description,
        version_flags=[],
        result_action="return_value",
    )
    app.default(take)
    try:
        settings = app(list(options), exit_on_error=False, print_error=False)
    except CycloptsError as error:
        if isinstance(error.__cause__, ValidationError):
            raise ConfigurationError(explain(found.name, error.__cause__)) from error
        raise ConfigurationError(
            f"{str(error).strip()} `stillhouse {command} {found.name} --help` lists the options."
        ) from error
    if settings is None:
        sys.exit(0)
    return settings


def _from_module(module: ModuleType, name: str) -> FlowFile:
    defined = [value for value in vars(module).values() if isinstance(value, Flow)]
    if len(defined) != 1:
        raise ConfigurationError(
            f"{name!r} defines {len(defined)} flows; a flow file defines one with @flow."
        )
    (flow,) = defined
    parameters = list(signature(flow.fn, eval_str=True).parameters.values())
    kinds = [parameter.annotation for parameter in parameters]
    if len(kinds) != 1 or not (isinstance(kinds[0], type) and issubclass(kinds[0], BaseModel)):
        raise ConfigurationError(
            f"The flow of {name!r} must take one argument, a pydantic model with its settings."
        )
    return FlowFile(name, flow, kinds[0], getattr(module, "pipeline", None))


def _module_at(path: Path) -> ModuleType:
    if not path.is_file():
        raise ConfigurationError(f"There is no file {str(path)!r}.")
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent.resolve()))
    spec.loader.exec_module(module)
    return module


def _from_yaml(path: Path) -> FlowFile:
    graph = Pipeline.from_yaml(path)

    class Settings(FlowSettings):
        output: str = Field(default=f"data/{graph.name}", description="Folder for the dataset")

    def run_file(settings: Any) -> dict[str, Any]:
        return settings.refresh(graph)  # type: ignore[no-any-return]  # settings are Settings

    flow = Flow(run_file, name=graph.name, description=graph.description, persist_result=False)
    return FlowFile(path.name, flow, Settings, lambda _: graph)
