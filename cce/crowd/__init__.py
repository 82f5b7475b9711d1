"""The method: prompts, crowd answers, crowd judgments, selection, outcome removal, judges."""

from cce.crowd.evaluate import evaluate, judge

__all__ = ["evaluate", "judge"]
