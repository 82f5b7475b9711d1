"""AlpacaEval 2 (Dubois et al. 2024, arXiv 2404.04475): on 805 instructions, a model's output against GPT-4's.

An annotation is the judge's preference on one instruction, from 1 (GPT-4's output, the reference, is better) to 2
(the model's is). The win rate is their mean. Judges prefer the longer output, so the length-controlled win rate
asks by logistic regression what they would prefer if both were equally long.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import GroupKFold

from cce.benchmarks import load_pairs
from cce.benchmarks.draw import drawn
from cce.benchmarks.files import Source, find_rows
from cce.benchmarks.question import Question
from cce.errors import BadInput, DataMissing

HUB = "tatsu-lab/alpaca_eval"
REFERENCES = Source(
    HUB, "", r"alpaca_?eval.*(gpt4_1106_preview|gpt4_baseline)\.", path="alpaca_eval_gpt4_baseline.json"
)
GAMED = Source(HUB, "", r"df_gamed[^/]*$", path="df_gamed.csv")

# The published regression: L1 penalty, no intercept, this seed; the strength out of ten by five folds. Its default
# tolerance stops a hundredth of a point early.
REGRESSION = {"solver": "liblinear", "fit_intercept": False, "random_state": 123, "tol": 1e-8, "max_iter": 1000}
STRENGTHS, FOLDS = 10, 5
# A row of the gamed baselines counts a fifth, over two of them.
GAMED_WEIGHT = 0.2 / 2
# A stand-in for the gamed file, made from published weights, calls its preferences so.
PSEUDO = {"preference_pseudo": "preference"}


def load_references(
    name: str = "alpaca_eval", data_dir: str | Path | None = None, limit: int | None = None, seed: int = 0
) -> list[Question]:
    """Load the instructions, each a question of one turn with the output that models are compared with.

    Args:
        name: alpaca_eval, or pocket, the kit's own pairs with the better answer as the reference.
        data_dir: folder of the published files; without it the environment's CCE_DATA, without that the hub.
        limit, seed: how many to draw, at random by the seed; a smaller limit draws from a larger one's.

    Returns questions whose id is their place in the whole set, from 0: the `index` of the annotations. The category
    is the source that AlpacaEval took the instruction from, or pocket and the kind of pair.
    Raises BadInput for a bad name, limit or file, DataMissing where AlpacaEval cannot be found.
    """
    if name not in ("alpaca_eval", "pocket"):
        raise BadInput(f"unknown instructions {name!r}: alpaca_eval or pocket")
    return drawn(_published(data_dir) if name == "alpaca_eval" else _pocket(), "instructions", name, limit, seed)


def load_gamed(data_dir: str | Path | None = None) -> tuple[pd.DataFrame, pd.DataFrame] | tuple[None, None]:
    """Load what the length-controlled win rate needs beside annotations: df_gamed.csv, or a file named so at first.

    Returns the instructions' difficulty (columns index, instruction_difficulty) and the annotations of the two gamed
    baselines, GPT-4 told to be brief or wordy (columns preference, 0 to 1, std_delta_len, instruction_difficulty).
    Both are None where neither folder nor hub has the file.
    """
    try:
        gamed = pd.DataFrame(find_rows(GAMED, data_dir)).rename(columns=PSEUDO)
        columns = ["index", "preference", "std_delta_len", "instruction_difficulty"]
        gamed = gamed[columns].astype(float).astype({"index": int})
    except DataMissing:
        return None, None
    except (KeyError, ValueError) as problem:
        raise BadInput(
            f"df_gamed: a column is missing or holds no numbers ({problem}); is the file as published?"
        ) from problem
    return gamed.drop_duplicates("index")[["index", "instruction_difficulty"]], gamed


def preferred(annotations: pd.DataFrame) -> pd.Series:
    """How far the judge preferred the model's output, 0 to 1, a value a row; 0.5 is a draw, NaN is unreadable.

    Args:
        annotations: one model's rows, with the columns generator_2 (its name) and preference: 1 to 2, where 1.5 is a
            draw, and so is 0.

    Raises BadInput where rows are several models'.
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
    code. This looks the difficulty up by a row's place among the model's rows, which is another instruction's once one
    is missing. Rows that tell their place in a column `row` are treated so too, to give the leaderboard's rate; all
    others go by their index.

    Args:
        annotations: as of `preferred`, with the columns index, len_output_1 (of the reference, in characters) and
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
    folds = GroupKFold(FOLDS).split(rows, groups=np.tile(np.arange(len(rows) // 2), 2))
    model = LogisticRegressionCV(
        Cs=STRENGTHS, cv=list(folds), scoring="neg_log_loss", l1_ratios=(1,), use_legacy_attributes=False, **REGRESSION
    )
    return model.fit(rows, labels, sample_weight=weights).C_


def _features(annotations: pd.DataFrame, difficulty: pd.DataFrame) -> np.ndarray:
    """A row an annotation: tanh of the standardised difference in length, difficulty, and 1 for the model."""
    longer = annotations.len_output_1 - annotations.len_output_2
    place = annotations.get("row", annotations["index"])
    hard = place.map(difficulty.set_index("index").instruction_difficulty)
    if hard.isna().any():
        raise BadInput(f"difficulty: none for index {place[hard.isna()].iloc[0]}; give that of all 805 instructions")
    if annotations.preference.isna().all():
        raise BadInput("annotations: no row has a preference, so there is no win rate")
    # Without any scatter all differ alike, and length explains nothing.
    return np.column_stack([np.tanh(longer / (longer.std() or np.inf)), hard, np.ones(len(hard))])


def _rows(
    annotations: pd.DataFrame, features: np.ndarray, gamed: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is fitted: rows, labels, weights. Each row is there as won and as lost, by the weight of its preference."""
    read, gamed = annotations.preference.notna(), gamed.rename(columns=PSEUDO)
    baseline = np.column_stack([np.tanh(gamed.std_delta_len), gamed.instruction_difficulty, np.zeros(len(gamed))])
    rows = np.vstack([baseline, features[read]])
    preference = np.concatenate([gamed.preference, preferred(annotations[read])])
    weight = np.repeat([GAMED_WEIGHT, 1.0], [len(baseline), read.sum()])
    labels = np.repeat([1, 0], len(rows))
    return np.vstack([rows, rows]), labels, np.concatenate([weight * preference, weight * (1 - preference)])


def _published(data_dir: str | Path | None) -> Iterator[Question]:
    try:
        for place, row in enumerate(find_rows(REFERENCES, data_dir)):
            yield Question(
                id=str(place), category=row["dataset"], turns=(row["instruction"],), references=(row["output"],)
            )
    except (KeyError, TypeError, ValueError) as problem:
        raise BadInput(f"alpaca_eval: a row lacks a field ({problem}); is the file as published?") from problem


def _pocket() -> Iterator[Question]:
    for place, pair in enumerate(load_pairs("pocket")):
        better = pair.answer_a if pair.label == "A" else pair.answer_b
        yield Question(
            id=str(place), category=f"pocket: {pair.subset}", turns=(pair.instruction,), references=(better,)
        )
