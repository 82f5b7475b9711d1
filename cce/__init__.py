"""Crowd-based Comparative Evaluation (CCE), reproduced: judge pairs of answers with a crowd behind the judge.

    from cce import LLM, load_pairs, judge, evaluate, pick

The names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "cce.analysis.elsewhere": ["load_judgments"],
    "cce.benchmarks": ["load_instructions", "load_pairs", "load_pools", "load_questions", "load_references"],
    "cce.benchmarks.alpaca_eval": ["load_gamed"],
    "cce.benchmarks.biases": ["planted"],
    "cce.benchmarks.pair": ["Pair", "pair_named"],
    "cce.benchmarks.published": ["explained"],
    "cce.chat.grading": ["answer_questions", "grade", "preferences"],
    "cce.chat.key_points": ["check_analyst", "key_points"],
    "cce.chat.picking": ["pick", "sample_responses"],
    "cce.crowd.evaluate": ["Records", "evaluate"],
    "cce.crowd.marks": ["read_text"],
    "cce.crowd.members": ["members"],
    "cce.crowd.notes": ["cut_outcome", "rename"],
    "cce.crowd.prompts": ["messages_of", "render"],
    "cce.crowd.result": ["judge", "judge_by_each", "side_by_side"],
    "cce.models.client": ["LLM"],
    "cce.models.engines": ["engine_of", "student_name"],
    "cce.models.training": ["Card", "Recipe", "train"],
    "cce.names": ["short_name"],
    "cce.options": ["Options"],
    "cce.parameters": ["begin"],
    "cce.project": ["made_with"],
    "cce.students": ["card_of", "judged_by_students", "taught_by_picks", "teaching_sets"],
    "cce.text": ["tell"],
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'cce' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
