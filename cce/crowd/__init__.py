"""The method: prompts, crowd answers, crowd judgments, selection, outcome removal, judges."""

from cce.crowd.evaluate import evaluate
from cce.crowd.result import judge

__all__ = ["evaluate", "judge"]
