"""Table 1: accuracy by benchmark, judge and method, with its interval, its cost, and the paper's number."""

import textwrap

import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from cce.analysis.paper import paper_name, table1
from cce.errors import BadInput

# GPT-4o's average in Table 1, cce@16 less vanilla: 80.3 - 73.6.
PAPER_GAIN = 6.7
GROUP = ["benchmark", "judge", "method"]


def accuracy_table(judgments: pd.DataFrame) -> pd.DataFrame:
    """Summarise a frame of judgments, a row a benchmark, judge and method, in the frame's order.

    Returns the columns benchmark, judge, method, pairs (those with a label), correct, unreadable, ties,
    accuracy, low, high (percent, 95% Wilson interval), paper (percent, NaN where the paper has no such cell),
    prompt_tokens, completion_tokens, calls, seconds (of model time), cut (pairs shortened to fit the context).
    A tie and an unreadable verdict count as wrong, as in the paper.
    """
    labelled = judgments[judgments.label.notna()]
    if labelled.empty:
        raise BadInput("no judged pair has a label, so there is no accuracy; `cce judge` writes the verdicts alone")
    table = labelled.groupby(GROUP, sort=False).apply(_summary).reset_index()
    return table.merge(_paper_column(table), on=GROUP, how="left")[COLUMNS]


COLUMNS = [
    *GROUP,
    "pairs",
    "correct",
    "unreadable",
    "ties",
    "accuracy",
    "low",
    "high",
    "paper",
    "prompt_tokens",
    "completion_tokens",
    "calls",
    "seconds",
    "cut",
]


def _summary(group: pd.DataFrame) -> pd.Series:
    pairs, correct = len(group), int(group.correct.sum())
    low, high = proportion_confint(correct, pairs, method="wilson")
    costs = {column: int(group[column].sum()) for column in ("prompt_tokens", "completion_tokens", "calls")}
    return pd.Series(
        {
            "pairs": pairs,
            "correct": correct,
            "unreadable": int(group.verdict.isna().sum()),
            "ties": int((group.verdict == "tie").sum()),
            "accuracy": round(100 * correct / pairs, 1),
            "low": round(100 * low, 1),
            "high": round(100 * high, 1),
            **costs,
            "seconds": round(group.seconds.sum(), 1),
            "cut": int((group.context_cuts > 0).sum()),
        },
        dtype=object,
    )


def _paper_column(table: pd.DataFrame) -> pd.DataFrame:
    # Ours may name a judge with its address; the paper's cell is looked up by the plain name.
    names = table[GROUP].assign(paper_judge=table.judge.map(paper_name))
    paper = table1().rename(columns={"judge": "paper_judge"})
    return names.merge(paper, on=["benchmark", "paper_judge", "method"], how="left").drop(columns="paper_judge")


def print_table(table: pd.DataFrame) -> None:
    """Print the table for eyes, as plain text."""
    print(readable(table).to_string(index=False))


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table for eyes: interval beside accuracy, judges without their address, tokens in one column."""
    shown = table.assign(
        judge=[judge.split("@")[0] for judge in table.judge],
        accuracy=[f"{row.accuracy:.1f} [{row.low:.1f}, {row.high:.1f}]" for row in table.itertuples()],
        paper=["-" if pd.isna(value) else f"{value:.1f}" for value in table.paper],
        tokens=table.prompt_tokens + table.completion_tokens,
        seconds=table.seconds.round().astype(int),
    )
    names = {"accuracy": "accuracy % [95%]", "paper": "paper %", "unreadable": "unread"}
    return shown.drop(columns=["low", "high", "prompt_tokens", "completion_tokens"]).rename(columns=names)


def in_words(table: pd.DataFrame) -> str:
    """What the table shows: a sentence a row, and one on how far so many pairs can see."""
    widest = max(table.high - table.low)
    seen = "could be seen here" if widest < PAPER_GAIN else "so few pairs can neither show it nor rule it out"
    reach = (
        f"The widest interval spans {widest:.0f} points. The paper's gain of CCE over vanilla is {PAPER_GAIN}: {seen}."
    )
    return "\n".join(textwrap.fill(line, 100) for line in [*map(_row_in_words, table.itertuples()), reach])


def _row_in_words(row) -> str:
    chance = "includes" if row.low <= 50 <= row.high else "excludes"
    paper = "" if pd.isna(row.paper) else f"; the paper has {row.paper:.1f}%"
    return (
        f"{row.judge} with {row.method} was right on {row.correct} of {row.pairs} pairs of {row.benchmark}: "
        f"{row.accuracy:.1f}% (95% interval {row.low:.1f} to {row.high:.1f}, which {chance} chance){paper}."
    )
