"""The numbers that the paper prints, a file a table.

Source: "Crowd Comparative Reasoning: Unlocking Comprehensive Evaluations for LLM-as-a-Judge", Zhang et al.,
ACL 2025, arXiv 2502.12501. table1_judge_accuracy.csv holds the cells of its Table 1, accuracy in percent.
"""

from importlib.resources import files

import pandas as pd


def table1() -> pd.DataFrame:
    """Table 1 in long form: judge, method, benchmark, paper (accuracy in percent)."""
    with files(__name__).joinpath("table1_judge_accuracy.csv").open() as file:
        table = pd.read_csv(file).drop(columns="average")
    return table.melt(["judge", "method"], var_name="benchmark", value_name="paper")


def paper_name(model: str) -> str:
    """A model as the paper writes it: `Qwen/Qwen2.5-7B-Instruct@http://...` is qwen2.5-7b-instruct."""
    return model.split("@")[0].split("/")[-1].lower()
