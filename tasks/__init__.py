"""What a step does to rows: the steps, the graph that wires them, and what they share."""

from __future__ import annotations

from llms.chat import ChatMessage, ChatType
from llms.errors import RowRejected
from tasks.ask import Ask, Exchange, Reading
from tasks.classification.text_classification import TextClassification
from tasks.clustering.dbscan import DBSCAN
from tasks.clustering.text_clustering import TextClustering
from tasks.clustering.umap import UMAP
from tasks.columns.combine_outputs import CombineOutputs
from tasks.columns.expand_columns import ExpandColumns
from tasks.columns.group_columns import GroupColumns
from tasks.columns.keep_columns import KeepColumns
from tasks.columns.merge_columns import MergeColumns
from tasks.decorator import step
from tasks.embeddings.embedding_generation import EmbeddingGeneration
from tasks.embeddings.faiss_nearest_neighbour import FaissNearestNeighbour
from tasks.embeddings.generate_embeddings import GenerateEmbeddings
from tasks.evolution.evol_complexity import EvolComplexity
from tasks.evolution.evol_complexity_generator import EvolComplexityGenerator
from tasks.evolution.evol_instruct import EvolInstruct
from tasks.evolution.evol_instruct_generator import EvolInstructGenerator
from tasks.evolution.evol_quality import EvolQuality
from tasks.export.preference_to_argilla import PreferenceToArgilla
from tasks.export.push_to_hub import PushToHub
from tasks.export.text_generation_to_argilla import TextGenerationToArgilla
from tasks.fan_in import FanInStep
from tasks.feedback.argilla_labeller import ArgillaLabeller
from tasks.feedback.clair import CLAIR
from tasks.feedback.complexity_scorer import ComplexityScorer
from tasks.feedback.instruction_backtranslation import InstructionBacktranslation
from tasks.feedback.pair_rm import PairRM
from tasks.feedback.prometheus_eval import PrometheusEval
from tasks.feedback.quality_scorer import QualityScorer
from tasks.feedback.reward_model_score import RewardModelScore
from tasks.feedback.ultra_feedback import UltraFeedback
from tasks.filtering.deita_filtering import DeitaFiltering
from tasks.filtering.embedding_dedup import EmbeddingDedup
from tasks.filtering.keep_rows import KeepRows
from tasks.filtering.min_hash_dedup import MinHashDedup
from tasks.filtering.truncate_text_column import TruncateTextColumn
from tasks.formatting.conversation_template import ConversationTemplate
from tasks.formatting.format_chat_generation_dpo import FormatChatGenerationDPO
from tasks.formatting.format_chat_generation_sft import FormatChatGenerationSFT
from tasks.formatting.format_text_generation_dpo import FormatTextGenerationDPO
from tasks.formatting.format_text_generation_sft import FormatTextGenerationSFT
from tasks.function_calling.apigen_execution_checker import APIGenExecutionChecker
from tasks.function_calling.apigen_generator import APIGenGenerator
from tasks.function_calling.apigen_semantic_checker import APIGenSemanticChecker
from tasks.function_calling.prepare_examples import PrepareExamples
from tasks.generated import Generated
from tasks.generation.chat_generation import ChatGeneration
from tasks.generation.genstruct import Genstruct
from tasks.generation.magpie import Magpie
from tasks.generation.magpie_generator import MagpieGenerator
from tasks.generation.oss_instruct import OSSInstruct
from tasks.generation.self_instruct import SelfInstruct
from tasks.generation.structured_generation import StructuredGeneration
from tasks.generation.text_generation import TextGeneration
from tasks.generation.text_generation_with_image import TextGenerationWithImage
from tasks.generation.urial import URIAL
from tasks.generator_task import GeneratorTask
from tasks.graph import Graph
from tasks.images.image_generation import ImageGeneration
from tasks.math.format_prm import FormatPRM
from tasks.math.math_shepherd_completer import MathShepherdCompleter
from tasks.math.math_shepherd_generator import MathShepherdGenerator
from tasks.outcome import Outcome, StepContext
from tasks.prompt import Prompt
from tasks.retrieval.bitext_retrieval_generator import BitextRetrievalGenerator
from tasks.retrieval.embedding_task_generator import EmbeddingTaskGenerator
from tasks.retrieval.generate_long_text_matching_data import GenerateLongTextMatchingData
from tasks.retrieval.generate_sentence_pair import GenerateSentencePair
from tasks.retrieval.generate_short_text_matching_data import GenerateShortTextMatchingData
from tasks.retrieval.generate_text_classification_data import GenerateTextClassificationData
from tasks.retrieval.generate_text_retrieval_data import GenerateTextRetrievalData
from tasks.retrieval.monolingual_triplet_generator import MonolingualTripletGenerator
from tasks.row import Rejection, Row
from tasks.samplers.sample_columns import SampleColumns
from tasks.samplers.sample_rows import SampleRows
from tasks.sources.data_sampler import DataSampler
from tasks.sources.load_data_from_dicts import LoadDataFromDicts
from tasks.sources.load_data_from_disk import LoadDataFromDisk
from tasks.sources.load_data_from_file_system import LoadDataFromFileSystem
from tasks.sources.load_data_from_hub import LoadDataFromHub, LoadHubDataset
from tasks.sources.load_data_from_table import LoadDataFromTable
from tasks.sources.load_python_docs import LoadPythonDocs
from tasks.sources.load_python_functions import LoadPythonFunctions
from tasks.sources.make_generator_step import make_generator_step
from tasks.step import GeneratorStep, GlobalStep, Step
from tasks.task import Task
from tasks.task_decorator import task

__all__ = [
    "CLAIR",
    "DBSCAN",
    "UMAP",
    "URIAL",
    "APIGenExecutionChecker",
    "APIGenGenerator",
    "APIGenSemanticChecker",
    "ArgillaLabeller",
    "Ask",
    "BitextRetrievalGenerator",
    "ChatGeneration",
    "ChatMessage",
    "ChatType",
    "CombineOutputs",
    "ComplexityScorer",
    "ConversationTemplate",
    "DataSampler",
    "DeitaFiltering",
    "EmbeddingDedup",
    "EmbeddingGeneration",
    "EmbeddingTaskGenerator",
    "EvolComplexity",
    "EvolComplexityGenerator",
    "EvolInstruct",
    "EvolInstructGenerator",
    "EvolQuality",
    "Exchange",
    "ExpandColumns",
    "FaissNearestNeighbour",
    "FanInStep",
    "FormatChatGenerationDPO",
    "FormatChatGenerationSFT",
    "FormatPRM",
    "FormatTextGenerationDPO",
    "FormatTextGenerationSFT",
    "GenerateEmbeddings",
    "GenerateLongTextMatchingData",
    "GenerateSentencePair",
    "GenerateShortTextMatchingData",
    "GenerateTextClassificationData",
    "GenerateTextRetrievalData",
    "Generated",
    "GeneratorStep",
    "GeneratorTask",
    "Genstruct",
    "GlobalStep",
    "Graph",
    "GroupColumns",
    "ImageGeneration",
    "InstructionBacktranslation",
    "KeepColumns",
    "KeepRows",
    "LoadDataFromDicts",
    "LoadDataFromDisk",
    "LoadDataFromFileSystem",
    "LoadDataFromHub",
    "LoadDataFromTable",
    "LoadHubDataset",
    "LoadPythonDocs",
    "LoadPythonFunctions",
    "Magpie",
    "MagpieGenerator",
    "MathShepherdCompleter",
    "MathShepherdGenerator",
    "MergeColumns",
    "MinHashDedup",
    "MonolingualTripletGenerator",
    "OSSInstruct",
    "Outcome",
    "PairRM",
    "PreferenceToArgilla",
    "PrepareExamples",
    "PrometheusEval",
    "Prompt",
    "PushToHub",
    "QualityScorer",
    "Reading",
    "Rejection",
    "RewardModelScore",
    "Row",
    "RowRejected",
    "SampleColumns",
    "SampleRows",
    "SelfInstruct",
    "Step",
    "StepContext",
    "StructuredGeneration",
    "Task",
    "TextClassification",
    "TextClustering",
    "TextGeneration",
    "TextGenerationToArgilla",
    "TextGenerationWithImage",
    "TruncateTextColumn",
    "UltraFeedback",
    "make_generator_step",
    "step",
    "task",
]
