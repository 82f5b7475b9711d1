"""MT-Bench's published verdicts and votes: GPT-4's on all pairs of six models, and people's on the same pairs."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from cce.analysis.elsewhere import DATA, load_judgments
from cce.benchmarks.files import read_rows
from cce.benchmarks.sources import SOURCES, find_rows

PLACE = ["question", "turn"]
# Who won most of GPT-4's verdicts comes first; the order is the same with and without its ties.
MODELS = ["gpt-4", "claude-v1", "gpt-3.5-turbo", "vicuna-13b-v1.2", "alpaca-13b", "llama-13b"]


@cache
def votes(data_dir: str | Path | None = None) -> pd.DataFrame:
    """People's votes that are no ties, one row a vote: question, turn, a and b (places in MODELS), judge, won (1 for A,
    0 for B).
    """
    frame = _votes(data_dir)
    frame = frame[frame.winner.isin(["model_a", "model_b"])]
    told = {side: frame[f"model_{side}"].map(MODELS.index) for side in "ab"}
    told |= {"question": frame.question_id, "won": (frame.winner == "model_a").astype(float)}
    return frame.assign(**told)[[*PLACE, "a", "b", "judge", "won"]].reset_index(drop=True)


@cache
def verdicts(data_dir: str | Path | None = None) -> np.ndarray:
    """GPT-4's verdicts: by question, from 81, turn and two places in MODELS, the probability of the first."""
    table = np.full((80, 2, len(MODELS), len(MODELS)), np.nan)
    for row in load_judgments("mtbench_gpt4", data_dir).itertuples():
        question, *models, turn = parts_of(row.id)
        a, b = map(MODELS.index, models)
        table[question - 81, turn - 1, a, b], table[question - 81, turn - 1, b, a] = row.p_a, 1 - row.p_a
    return table


def parts_of(name: str) -> tuple[int, str, str, int]:
    """Question, both models and turn of a verdict's id, such as 81-gpt-3.5-turbo-gpt-4-turn1."""
    question, rest = name.split("-", 1)
    models, turn = rest.rsplit("-turn", 1)
    first = next(one for one in MODELS if models.startswith(f"{one}-") and models[len(one) + 1 :] in MODELS)
    return int(question), first, models[len(first) + 1 :], int(turn)


def people(data_dir: str | Path | None = None) -> pd.DataFrame:
    """All votes, ties among them, as `cce.analysis.elsewhere.people` takes them, under the ids of GPT-4's verdicts."""
    known = set(load_judgments("mtbench_gpt4", data_dir).id)
    frame = _votes(data_dir)
    ids = _named(frame, frame.model_a, frame.model_b)
    other = _named(frame, frame.model_b, frame.model_a)
    said = frame.winner.map({"model_a": "A", "model_b": "B", "tie": "tie"})
    turned = said.map({"A": "B", "B": "A", "tie": "tie"})
    as_known = ids.isin(known)
    return pd.DataFrame({"id": ids.where(as_known, other), "rater": frame.judge, "vote": said.where(as_known, turned)})


def _named(frame: pd.DataFrame, first: pd.Series, second: pd.Series) -> pd.Series:
    return frame.question_id.astype(str) + "-" + first + "-" + second + "-turn" + frame.turn.astype(str)


def _votes(data_dir: str | Path | None) -> pd.DataFrame:
    if data_dir is None:
        rows = read_rows(DATA / "mtbench_human.csv.gz")
    else:
        rows = find_rows(SOURCES["mtbench_human"], None if str(data_dir) == "hub" else data_dir)
    return pd.DataFrame(list(rows)).astype({"question_id": int, "turn": int})
