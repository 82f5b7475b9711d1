"""What frames of judgments show: tables, prose about them, figures, and the paper's numbers, loaded on first use."""

from importlib import import_module

_NAMES = {
    "accuracy": "FLOORS accuracy_table scaling_table scored sections",
    "biases": "bias_table",
    "calibration": "calibration_table kept_table reliability_table",
    "comparison": "comparison_table crowd_comparisons in_words key_point_differences key_point_table "
    "rationales_in_words round_comparisons selection_comparisons steps_in_words",
    "costs": "cost_table rival_table",
    "elsewhere.crowd": "Crowd agreement_table kind_table member_table noise_table people_table size_table",
    "elsewhere.mt_bench": "people",
    "elsewhere.people": "agreement_with_people agreements_with_people alternative_annotator_test "
    "replacement_table win_rate",
    "elsewhere.ratings": "as_judgments frontier_table number_table rated stopping_table",
    "elsewhere.reasoning": "strategy_table",
    "elsewhere.sequential": "sequential_table",
    "escalation": "escalation_table",
    "latency": "latency_table",
    "length": "by_length",
    "members": "contribution_table crowd_votes less_one likeness_table",
    "noise": "noise_crossings noise_levels",
    "pools": "pool_table ties_score",
    "rm_bench": "level_table style_table",
    "students": "UNTRAINED agreements alpaca_table distillation_table losses mt_bench_table paper_students picks_table "
    "rejection_table score_steps student_differences student_scores teaching_table trained_models",
    "tables": "crowd_table names print_table readable verdict_table write_table",
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}
__all__ = ["figures", "paper", *_HOMES]


def __getattr__(name: str):
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_HOMES.get(name, name)}")
    return getattr(module, name) if name in _HOMES else module
