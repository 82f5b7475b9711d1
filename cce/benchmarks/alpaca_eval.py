"""AlpacaEval 2 (Dubois et al. 2024, arXiv 2404.04475): on 805 instructions, a model's output against GPT-4's.

An annotation is the judge's preference on one instruction, from 1 (GPT-4's output, the reference, is better) to 2
(the model's is). The win rate is their mean. Judges prefer the longer output, so the length-controlled win rate
asks by logistic regression what they would prefer if both were equally long.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import GroupKFold

from cce.benchmarks import load_pairs
from cce.benchmarks.files import Folder, Source, as_published, find_rows
from cce.benchmarks.pair import Question
from cce.benchmarks.sampling import drawn
from cce.errors import BadInput, DataMissing

HUB = {"hub": "tatsu-lab/alpaca_eval", "split": "", "revision": "2edc6fad8be6b14ea7230aabfd08188da6b8b814"}
OUTPUTS = r"alpaca_?eval.*(gpt4_1106_preview|gpt4_baseline)\."
REFERENCES = Source(**HUB, file=OUTPUTS, path="alpaca_eval_gpt4_baseline.json")
GAMED = Source(**HUB, file=r"df_gamed[^/]*$", path="df_gamed.csv")

# The published regression: L1 penalty, no intercept, this seed; the strength out of ten by five folds. Its default
# tolerance stops a hundredth of a point early.
REGRESSION = {"solver": "liblinear", "fit_intercept": False, "random_state": 123, "tol": 1e-8, "max_iter": 1000}
STRENGTHS, FOLDS = 10, 5
GAMED_WEIGHT = 0.2 / 2  # A row of the gamed baselines counts a fifth, over two of them.
# A stand-in for the gamed file, made from published weights, calls its preferences so.
PSEUDO = {"preference_pseudo": "preference"}


def load_references(
    name: str = "alpaca_eval", data_dir: Folder = None, limit: int | None = None, seed: int = 0
) -> list[Question]:
    """Load the instructions, each a question of one turn with the output that models are compared with.

    They are those of alpaca_eval, or of pocket, the kit's own pairs with the better answer as the reference. An id is
    the place in the whole set, from 0, which annotations call `index`; the category is the source that AlpacaEval took
    the instruction from, or pocket and the kind of pair. `data_dir`, `limit` and `seed` are as for `load_pairs`.
    Raises BadInput for a bad name, limit or file, DataMissing where AlpacaEval cannot be found.
    """
    if name not in ("alpaca_eval", "pocket"):
        raise BadInput(f"unknown instructions {name!r}: alpaca_eval or pocket")
    return drawn(_published(data_dir) if name == "alpaca_eval" else _pocket(), "instructions", name, limit, seed)


def _published(data_dir: Folder) -> Iterator[Question]:
    with as_published("alpaca_eval: a row lacks a field"):
        for place, row in enumerate(find_rows(REFERENCES, data_dir)):
            texts = {"turns": (row["instruction"],), "references": (row["output"],)}
            yield Question(id=str(place), category=row["dataset"], **texts)


def _pocket() -> Iterator[Question]:
    for place, pair in enumerate(load_pairs("pocket")):
        better = pair.answer_a if pair.label == "A" else pair.answer_b
        texts = {"turns": (pair.instruction,), "references": (better,)}
        yield Question(id=str(place), category=f"pocket: {pair.subset}", **texts)


def load_gamed(data_dir: Folder = None) -> tuple[pd.DataFrame, pd.DataFrame] | tuple[None, None]:
    """Load what the length-controlled win rate needs beside annotations: a file whose name begins with df_gamed.

    Returns the instructions' difficulty (columns index, instruction_difficulty) and the annotations of the two gamed
    baselines, GPT-4 told to be brief or wordy (columns preference, 0 to 1, std_delta_len, instruction_difficulty).
    Both are None where neither folder nor hub has the file. Raises BadInput for a file without these columns.
    """
    try:
        rows = find_rows(GAMED, data_dir)
    except DataMissing:
        return None, None
    with as_published("df_gamed: a column is missing or holds no numbers"):
        gamed = pd.DataFrame(rows).rename(columns=PSEUDO)
        gamed = gamed[["index", "preference", "std_delta_len", "instruction_difficulty"]].astype(float)
        gamed = gamed.astype({"index": int})
    return gamed.drop_duplicates("index")[["index", "instruction_difficulty"]], gamed


def preferred(annotations: pd.DataFrame) -> pd.Series:
    """How far the judge preferred the model's output: one value per row, 0 to 1; 0.5 is a draw, NaN is unreadable.

    The annotations are one model's rows, with the columns generator_2 (its name) and preference: 1 to 2, where 1.5 is
    a draw, and so is 0. Raises BadInput where rows are several models'.
    """
    if annotations.generator_2.nunique() > 1:
        raise BadInput("annotations: one model's at a time, but generator_2 names several")
    return annotations.preference.astype(float).replace(0, 1.5) - 1


def win_rate(annotations: pd.DataFrame) -> float:
    """The mean preference for the model, in percent, of the rows that have one; takes what `preferred` takes."""
    return float(100 * preferred(annotations).mean())


def length_controlled_win_rate(
    annotations: pd.DataFrame, difficulty: pd.DataFrame, gamed: pd.DataFrame, strength: float | None = None
) -> float:
    """The win rate that the model would have with outputs as long as the reference's, in percent.

    A logistic regression of the preferences on the difference in length, the instruction's difficulty and the model
    itself; the rate is its mean prediction with the difference set to zero. Source: section 3 of the paper, and its
    code. The code looks up the difficulty by a row's place among the model's rows, which is another instruction's once
    one is missing. Here rows go by their index, unless a column `row` tells their place, for the leaderboard's rate.

    Args:
        annotations: as for `preferred`, with the columns index, len_output_1 (of the reference, in characters) and
            len_output_2 too; rows without a preference are left out of the fit.
        difficulty, gamed: as `load_gamed` returns them, or as the files have them.
        strength: the inverse penalty, scikit-learn's C; `chosen_strength`'s where None.

    Raises BadInput where rows are several models', none has a preference, or an instruction has no difficulty.
    """
    features = _features(annotations, difficulty)
    strength = strength or chosen_strength(annotations, difficulty, gamed)
    model = LogisticRegression(C=strength, l1_ratio=1, **REGRESSION)
    rows, labels, weights = _rows(annotations, features, gamed)
    _, of_difficulty, of_model = model.fit(rows, labels, sample_weight=weights).coef_[0]
    return float(100 * expit(of_difficulty * features[:, 1] + of_model * features[:, 2]).mean())


def chosen_strength(annotations: pd.DataFrame, difficulty: pd.DataFrame, gamed: pd.DataFrame) -> float:
    """The inverse penalty with the least log loss on left-out rows; takes what the length-controlled rate takes."""
    rows, labels, weights = _rows(annotations, _features(annotations, difficulty), gamed)
    # Both copies of a row are left out together.
    folds = list(GroupKFold(FOLDS).split(rows, groups=np.tile(np.arange(len(rows) // 2), 2)))
    how = {"scoring": "neg_log_loss", "l1_ratios": (1,), "use_legacy_attributes": False}
    model = LogisticRegressionCV(Cs=STRENGTHS, cv=folds, **how, **REGRESSION)
    return model.fit(rows, labels, sample_weight=weights).C_


def _features(annotations: pd.DataFrame, difficulty: pd.DataFrame) -> np.ndarray:
    """A row for each annotation: tanh of the standardised difference in length, difficulty, and 1 for the model."""
    longer = annotations.len_output_1 - annotations.len_output_2
    place = annotations.get("row", annotations["index"])
    hard = place.map(difficulty.set_index("index").instruction_difficulty)
    if hard.isna().any():
        raise BadInput(f"difficulty: none for index {place[hard.isna()].iloc[0]}; give that of all 805 instructions")
    if annotations.preference.isna().all():
        raise BadInput("annotations: no row has a preference, so there is no win rate")
    # Without any scatter all differ alike, and length explains nothing.
    return np.column_stack([np.tanh(longer / (longer.std() or np.inf)), hard, np.ones(len(hard))])


def _rows(annotations: pd.DataFrame, features: np.ndarray, gamed: pd.DataFrame) -> tuple[np.ndarray, ...]:
    """What is fitted: rows, labels, weights. Each row is there as won and as lost, by the weight of its preference."""
    read, gamed = annotations.preference.notna(), gamed.rename(columns=PSEUDO)
    baseline = np.column_stack([np.tanh(gamed.std_delta_len), gamed.instruction_difficulty, np.zeros(len(gamed))])
    rows = np.vstack([baseline, features[read]])
    preference = np.concatenate([gamed.preference, preferred(annotations[read])])
    weight = np.repeat([GAMED_WEIGHT, 1.0], [len(baseline), read.sum()])
    labels = np.repeat([1, 0], len(rows))
    return np.vstack([rows, rows]), labels, np.concatenate([weight * preference, weight * (1 - preference)])
