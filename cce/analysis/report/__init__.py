"""A run's report: one HTML page that needs nothing beside it, with the paper's results, the costs, and every case.

report("runs/demo")
"""

from cce.analysis.report.page import report

__all__ = ["report"]
