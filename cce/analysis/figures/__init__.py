"""Figures: one style, our points with their intervals, the paper's numbers beside them, the source in small print.

Each function draws a table of `cce.analysis`, saves the figure by `style.save`, to which `path` and `source` go, and
returns it.
"""

from cce.analysis.figures.curves import loss_curves, scaling
from cce.analysis.figures.one_pair import one_pair
from cce.analysis.figures.tables import (
    distillation,
    judge_accuracy,
    key_points_and_coverage,
    rejection,
    selection_differences,
)

__all__ = ["distillation", "judge_accuracy", "key_points_and_coverage", "loss_curves", "one_pair", "rejection"]
__all__ += ["scaling", "selection_differences"]
