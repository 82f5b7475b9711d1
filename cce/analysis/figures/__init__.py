"""Figures: one style, our points with their intervals, the paper's numbers beside them, the source in small print."""

from cce.analysis.figures.accuracy import judge_accuracy
from cce.analysis.figures.distillation import distillation, loss_curves
from cce.analysis.figures.key_points import key_points_and_coverage
from cce.analysis.figures.one_pair import one_pair
from cce.analysis.figures.rejection import rejection
from cce.analysis.figures.scaling import scaling
from cce.analysis.figures.selection import selection_differences

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
