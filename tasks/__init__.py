"""What a step does to rows: the steps, the graph that wires them, and what they share."""

from __future__ import annotations

from llms.chat import ChatMessage, ChatType
from llms.errors import RowRejected
from tasks.ask import Ask, Exchange, Reading
from tasks.columns.combine_outputs import CombineOutputs
from tasks.columns.expand_columns import ExpandColumns
from tasks.columns.group_columns import GroupColumns
from tasks.columns.keep_columns import KeepColumns
from tasks.columns.merge_columns import MergeColumns
from tasks.decorator import step
from tasks.fan_in import FanInStep
from tasks.feedback.ultra_feedback import UltraFeedback
from tasks.formatting.format_text_generation_dpo import FormatTextGenerationDPO
from tasks.formatting.format_text_generation_sft import FormatTextGenerationSFT
from tasks.generated import Generated
from tasks.generation.chat_generation import ChatGeneration
from tasks.generation.oss_instruct import OSSInstruct
from tasks.generation.text_generation import TextGeneration
from tasks.generator_task import GeneratorTask
from tasks.graph import Graph
from tasks.outcome import Outcome, StepContext
from tasks.prompt import Prompt
from tasks.row import Rejection, Row
from tasks.sources.load_data_from_dicts import LoadDataFromDicts
from tasks.sources.load_data_from_file_system import LoadDataFromFileSystem
from tasks.sources.load_data_from_hub import LoadDataFromHub, LoadHubDataset
from tasks.sources.load_python_docs import LoadPythonDocs
from tasks.step import GeneratorStep, GlobalStep, Step
from tasks.task import Task

__all__ = [
    "Ask",
    "ChatGeneration",
    "ChatMessage",
    "ChatType",
    "CombineOutputs",
    "Exchange",
    "ExpandColumns",
    "FanInStep",
    "FormatTextGenerationDPO",
    "FormatTextGenerationSFT",
    "Generated",
    "GeneratorStep",
    "GeneratorTask",
    "GlobalStep",
    "Graph",
    "GroupColumns",
    "KeepColumns",
    "LoadDataFromDicts",
    "LoadDataFromFileSystem",
    "LoadDataFromHub",
    "LoadHubDataset",
    "LoadPythonDocs",
    "MergeColumns",
    "OSSInstruct",
    "Outcome",
    "Prompt",
    "Reading",
    "Rejection",
    "Row",
    "RowRejected",
    "Step",
    "StepContext",
    "Task",
    "TextGeneration",
    "UltraFeedback",
    "step",
]
