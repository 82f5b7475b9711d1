"""The numbers that the paper prints, a file a table.

Source: "Crowd Comparative Reasoning: Unlocking Comprehensive Evaluations for LLM-as-a-Judge", Zhang et al.,
ACL 2025, arXiv 2502.12501. The files hold the cells of its Tables 1 to 4 and 6, accuracy in percent. Figure 3's
values were read off the figure, to about 0.1 points of accuracy and 2 tokens.
"""

from importlib.resources import files

import pandas as pd


def as_printed(file: str) -> pd.DataFrame:
    """A file of this folder as it stands: for a table, its rows, columns and printed averages."""
    with files(__name__).joinpath(file).open() as lines:
        return pd.read_csv(lines)


def table1() -> pd.DataFrame:
    """Table 1 in long form: judge, method, benchmark, paper (accuracy in percent)."""
    table = as_printed("table1_judge_accuracy.csv").drop(columns="average")
    return table.melt(["judge", "method"], var_name="benchmark", value_name="paper")


def table2() -> pd.DataFrame:
    """Table 2 in long form: student, judgments (that taught it), samples (of them), benchmark, paper (percent).

    Its first five students are judges published by others: their `judgments` are "published judge".
    """
    table = as_printed("table2_distillation.csv").drop(columns="average")
    table = table.rename(columns={"training_judgments": "judgments", "training_samples": "samples"})
    return table.melt(["student", "judgments", "samples"], var_name="benchmark", value_name="paper")


def table3() -> pd.DataFrame:
    """Table 3: base_model, instructions, count (of them), sampling (random, vanilla or crowd) and three scores.

    The instructions go by the names that the kit loads them by, lima and tulu3_sft. The scores are mtbench (1 to 10),
    alpaca_first and alpaca_second (percent). AlpacaEval-2 is printed as two numbers that the text does not name: the
    win rate and the length-controlled one, in an order not to be known.
    """
    table = as_printed("table3_rejection_sampling.csv")
    table["sampling"] = table.sampling.str.removesuffix(" rejection")
    table["instructions"] = table.instructions.replace({"tulu3": "tulu3_sft"})
    names = {"instruction_count": "count", "alpacaeval2_first": "alpaca_first", "alpacaeval2_second": "alpaca_second"}
    return table.rename(columns=names)


def table4() -> pd.DataFrame:
    """Table 4, judge GPT-4o, in long form: selection, removal (of the outcome), budget, benchmark, paper (percent)."""
    table = as_printed("table4_selection.csv").drop(columns="average")
    table = table.rename(columns={"outcome_removal": "removal", "crowd_judgments": "budget"})
    table["removal"] = table.removal == "yes"
    return table.melt(["selection", "removal", "budget"], var_name="benchmark", value_name="paper")


def figure3() -> pd.DataFrame:
    """Figure 3, judge GPT-4o, `overall` included: benchmark, budget, accuracy (percent), tokens (of the rationale)."""
    return as_printed("figure3_scaling.csv").rename(columns={"crowd_judgments": "budget", "cot_tokens": "tokens"})


def table6() -> pd.DataFrame:
    """Table 6: benchmark, pairs, focus."""
    return as_printed("table6_benchmarks.csv")


def paper_name(model: str) -> str:
    """A model as the paper writes it: `Qwen/Qwen2.5-7B-Instruct@http://...` is qwen2.5-7b-instruct."""
    return model.split("@")[0].split("/")[-1].lower()
