"""Every difference from distilabel 1.5.3 that is meant, by case, with its reason.

One difference is everywhere and not listed: where distilabel raises, or makes a row whose outputs
are all null, our step refuses the row with a reason or tells what is wrong with its configuration.
"""

from __future__ import annotations

SCORERS = ("ComplexityScorer", "QualityScorer")

EVOLVING = ("EvolInstruct", "EvolComplexity")

GENERATING = ("EvolInstructGenerator", "EvolComplexityGenerator")

FROM_MODEL_TEXT = (
    "GenerateTextRetrievalData",
    "GenerateShortTextMatchingData",
    "GenerateLongTextMatchingData",
    "GenerateTextClassificationData",
    "MonolingualTripletGenerator",
    "BitextRetrievalGenerator",
)


def each(steps: tuple[str, ...], reasons: dict[str, str]) -> dict[str, str]:
    """Return reasons, by the title of a case, for the cases of several steps."""
    return {f"{step}: {title}": reason for step in steps for title, reason in reasons.items()}


DIFFERENCES: dict[str, str] = {
    "LoadDataFromDicts: a column that the first row lacks": (
        "The columns are those of all rows, where distilabel drops what the first one lacks."
    ),
    "DataSampler: one row to draw from": (
        "Examples for one prompt are different rows, so there must be as many to draw from."
    ),
    "LoadDataFromFileSystem: a file without a suffix whose type is named": (
        "A file whose type is named needs no suffix."
    ),
    "CombineOutputs: branches of different length": (
        "Rows without a partner are told, not cut off in silence."
    ),
    "GroupColumns: branches of different length": (
        "Rows without a partner are told, not cut off in silence."
    ),
    "ExpandColumns: lists of different length": (
        "Where a list is too short distilabel puts the whole row into the column."
    ),
    "ConversationTemplate: no answer": "A conversation has no turn without words.",
    "FormatTextGenerationDPO: all ratings equal": (
        "Where all ratings are equal nothing is chosen, and a pair of equals teaches nothing."
    ),
    "FormatTextGenerationDPO: more generations than ratings": (
        "A generation without a rating can be neither chosen nor rejected."
    ),
    "FormatChatGenerationDPO: all ratings equal": (
        "Where all ratings are equal nothing is chosen, and a pair of equals teaches nothing."
    ),
    "FormatTextGenerationSFT: no answer": "A conversation has no turn without words.",
    "FormatPRM: a step without a label": "A last digit is not a label.",
    "PrepareExamples: two questions with their calls": "The other columns stay.",
    "PrepareExamples: a template in single braces": (
        "Templates are Jinja2 everywhere, so that single braces are braces."
    ),
    "PrepareExamples: fewer calls than questions": (
        "Rows without a partner are told, not cut off in silence."
    ),
    "FaissNearestNeighbour: no metric named": (
        "The default is similarity, so that a higher score means nearer, as the threshold of "
        "`EmbeddingDedup` takes it."
    ),
    "FaissNearestNeighbour: two equal rows": "A row is never its own neighbour.",
    "FaissNearestNeighbour: more neighbours than rows": (
        "A row has as many neighbours as there are other rows."
    ),
    "EmbeddingDedup: a pair of duplicates": "Of two duplicates one stays.",
    "MinHashDedup: a text shorter than an n-gram": (
        "Texts that are too short to compare by n-grams are compared whole."
    ),
    "DeitaFiltering: the best row last": "Rows stay in their order.",
    "DeitaFiltering: a pair of duplicates": "Of two duplicates one stays, the better one.",
    **each(
        ("TextClustering",),
        {
            "two clusters and a stray row": "A label is a text and not JSON.",
            "two labels for each cluster": "Labels are a list and not JSON.",
            "no stray row": "Clusters are labelled without a stray row too.",
        },
    ),
    "TextGeneration: an empty reply": "An empty reply is no generation.",
    "TextGenerationWithImage: no picture": "There is nothing to ask about.",
    "StructuredGeneration: an object that does not follow the schema": (
        "A schema that was asked for is checked."
    ),
    "StructuredGeneration: a text that does not follow the expression": (
        "An expression that was asked for is checked."
    ),
    "SelfInstruct: numbered lines": "The numbers of a list are no part of its instructions.",
    "SelfInstruct: a preamble": "What stands before a list is no instruction.",
    "SelfInstruct: more lines than asked for": "There are as many as were asked for.",
    "SelfInstruct: fewer lines than asked for": "There are as many as were asked for.",
    "Genstruct: a marker before the question too": "The marker is no part of the question.",
    "Magpie: a system prompt in one turn": (
        "With the system prompt it is a conversation, and that is the column declared."
    ),
    "Magpie: no instruction comes": "An answer to nothing is no conversation.",
    "MagpieGenerator: more rows than fit a batch": "It makes as many rows as were asked for.",
    **each(EVOLVING, {"an empty reply": "An instruction without words is none."}),
    "EvolQuality: space around the reply": "The space around a reply is no part of it.",
    "EvolQuality: a header before the new answer": "The header is no part of the answer.",
    **each(
        GENERATING,
        {"one of two is too short at first": "A row that is done is not asked about again."},
    ),
    "MathShepherdGenerator: fewer solutions than asked for": (
        "Each solution is a sample of its own, so that there are as many as were asked for."
    ),
    "MathShepherdGenerator: two generations": "A generation keeps its own solution.",
    "MathShepherdGenerator: one solution as JSON": "A solution as JSON is read.",
    "MathShepherdCompleter: two solutions that begin alike": (
        "Equal beginnings are completed once and get one label."
    ),
    "MathShepherdCompleter: a completion without steps": (
        "A step whose completions come to no answer has no label."
    ),
    "MathShepherdCompleter: solutions of two steps": "A solution of one step is labelled too.",
    "MathShepherdCompleter: completions as JSON": "A completion as JSON is read.",
    "UltraFeedback: a rationale of two paragraphs": (
        "A second paragraph belongs to its rationale and shifts no rating."
    ),
    "UltraFeedback: headers in paragraphs of their own": "A header shifts no rating.",
    "UltraFeedback: a preamble": "A preamble shifts no rating.",
    "UltraFeedback: fewer ratings than texts": "Every text has a rating or the row has none.",
    "UltraFeedback: a rating that does not apply": "Every text has a rating or the row has none.",
    "UltraFeedback: ratings in bold": "Labels in bold are read too.",
    "UltraFeedback: a rating beyond the scale": "A rating beyond the scale is none.",
    **each(
        SCORERS,
        {
            "a preamble": "A score belongs to the text whose number it names.",
            "a blank line between": "A score belongs to the text whose number it names.",
            "the last first": "A score belongs to the text whose number it names.",
            "fewer scores than texts": "Every text has a score or the row has none.",
            "more scores than texts": "A score for a text that is not there spoils the others.",
            "half a point": "A score is read with its decimals.",
            "a word for a score": "Every text has a score or the row has none.",
            "fewer scores than texts as JSON": "Every text has a score or the row has none.",
        },
    ),
    "QualityScorer: list marks before the numbers": "A list mark before the number is read over.",
    "InstructionBacktranslation: the score first": "What stands after the score is the reason too.",
    "InstructionBacktranslation: a score of two digits": (
        "Ten is beyond the scale, and not a one and a nought."
    ),
    "InstructionBacktranslation: the scale quoted before the score": (
        "The score is the last one, and what stands before it is the reason."
    ),
    "InstructionBacktranslation: a score in bold": "Labels in bold are read too.",
    "PrometheusEval: a full stop after the grade": "A full stop is no part of the grade.",
    "PrometheusEval: a grade in brackets": "Brackets are no part of the grade.",
    "APIGenGenerator: inside a fence that says json": "JSON in a fence is JSON.",
    "APIGenGenerator: an object, not a list": "One pair is a list of one pair.",
    "APIGenGenerator: no JSON": "A row has all its columns or is none.",
    "APIGenGenerator: no reply": "A row has all its columns or is none.",
    "APIGenGenerator: two generations": "A generation keeps its own question.",
    **each(
        ("APIGenExecutionChecker",),
        {
            "a call with a text": "A result is written as Python writes it, texts quoted.",
            "a call without arguments": "A result is written as Python writes it, texts quoted.",
            "two calls": "A result is written as Python writes it, texts quoted.",
            "a call with a text that looks like a number": "A text argument is never run.",
            "arguments in another order": "Arguments go to the parameters that they name.",
            "no such function": "A call that failed says so in one form.",
            "a call that fails": "A call that failed says so in one form.",
            "a dangerous function": "A function that was not run is not called unknown.",
            "an answer that was never made": "What is no call cannot be checked.",
            "no answers": "What is no call cannot be checked.",
        },
    ),
    "APIGenSemanticChecker: inside a fence that says json": "JSON in a fence is JSON.",
    "APIGenSemanticChecker: neither yes nor no": "A verdict is yes or no.",
    "APIGenSemanticChecker: true for yes": "True is yes.",
    "APIGenSemanticChecker: a key that nobody asked for": (
        "What nobody asked for makes no column."
    ),
    "APIGenSemanticChecker: a row that failed to run": (
        "A call that did not run fails without asking a model."
    ),
    **each(FROM_MODEL_TEXT, {"a key is missing": "A row has all its columns or is none."}),
    "EmbeddingTaskGenerator: inside a fence": "A list in a fence is a list.",
    "EmbeddingTaskGenerator: no list": "A list that is not JSON is read line by line.",
    "EmbeddingTaskGenerator: no list and a row for each task": "Without tasks there is no row.",
    "GenerateSentencePair: no negative": "A row has all its columns or is none.",
    "TextClassification: a label beside the list": "A label is one of those to choose from.",
    "TextClassification: a label of the list in capitals": "A label is written as in the list.",
    "TextClassification: fewer labels than asked for": "There are as many as were asked for.",
    "TextClassification: more labels than asked for": "There are as many as were asked for.",
    "TextClassification: a list for one label": "A list of one label is that label.",
    "TextClassification: inside a fence": "JSON in a fence is JSON.",
    "ArgillaLabeller: several labels": "Values of all questions share a column, as JSON.",
    "ArgillaLabeller: a rating": "Values of all questions share a column, as JSON.",
    "ArgillaLabeller: a label that is no option": "A label is one of the options.",
    "ArgillaLabeller: a rating that is no option": "A rating is one of the options.",
    "ArgillaLabeller: no JSON": "A reply that is an option and nothing else is that option.",
    "ImageGeneration: two pictures": "A row becomes as many rows as pictures were asked for.",
}
"""The id of a case to the reason why our rows are not distilabel's."""

MORE_COLUMNS: dict[str, str] = {
    "MathShepherdCompleter.solutions": "It rewrites the column, and says so.",
    "TextClustering.model_name": "It is declared, so it is there.",
    "FaissNearestNeighbour.nn_metric": "A score says nothing without its metric.",
    "FaissNearestNeighbour.nn_row": "Indices say nothing without the row that they count from.",
}
"""Columns that our class makes besides distilabel's, each with its reason."""

OTHER_REPLIES: dict[str, str] = {
    "MathShepherdCompleter: completions as JSON": "The schema has the steps and the answer apart.",
    "MathShepherdCompleter: two completions of a step": (
        "Each completion is a sample of its own, as in the paper."
    ),
    "MathShepherdGenerator: one solution as JSON": "The schema has the steps and the answer apart.",
    "MathShepherdGenerator: two solutions": (
        "Each solution is a sample of its own, as in the paper."
    ),
    "MathShepherdGenerator: two solutions as JSON": (
        "Each solution is a sample of its own, as in the paper."
    ),
    "UltraFeedback: ratings as JSON": (
        "The schema has one object for each text, so that no list can be shorter than another."
    ),
}
"""Cases in which our model is given other replies, because it is asked otherwise."""
