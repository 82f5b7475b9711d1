"""Figures: one style, our points with their intervals, the paper's numbers beside them, the source in small print."""

from cce.analysis.figures.accuracy import judge_accuracy, key_points_and_coverage, selection_differences
from cce.analysis.figures.one_pair import one_pair
from cce.analysis.figures.scaling import scaling
from cce.analysis.figures.students import distillation, loss_curves, rejection

__all__ = [
    "distillation",
    "judge_accuracy",
    "key_points_and_coverage",
    "loss_curves",
    "one_pair",
    "rejection",
    "scaling",
    "selection_differences",
]
