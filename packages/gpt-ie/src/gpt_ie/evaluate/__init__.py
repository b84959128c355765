"""How good an extraction is: against human codes or a corrected file, with intervals and errors."""

from gpt_ie.evaluate.compare import EvaluateError, evaluate, score
from gpt_ie.evaluate.errors import ScoredError, list_errors, write_errors
from gpt_ie.evaluate.evaluation import Evaluation
from gpt_ie.evaluate.report import to_json, to_markdown, write_evaluation

__all__ = [
    "EvaluateError",
    "Evaluation",
    "ScoredError",
    "evaluate",
    "list_errors",
    "score",
    "to_json",
    "to_markdown",
    "write_errors",
    "write_evaluation",
]
