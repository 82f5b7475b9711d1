"""Crowd-based Comparative Evaluation (CCE), reproduced: judge pairs of answers with a crowd behind the judge.

    from cce import LLM, load_pairs, judge, evaluate, pick

The names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module

__version__ = "0.1.0"
__all__ = ["LLM", "evaluate", "judge", "load_pairs", "pick"]

_HOMES = {
    "LLM": "cce.models.client",
    "load_pairs": "cce.benchmarks",
    "judge": "cce.crowd.result",
    "evaluate": "cce.crowd.evaluate",
    "pick": "cce.chat.picking",
    "Options": "cce.options",
}


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module 'cce' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
