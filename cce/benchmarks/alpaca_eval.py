"""AlpacaEval 2 (Dubois et al. 2024, arXiv 2404.04475): on 805 instructions, a model's output against GPT-4's."""

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import GroupKFold

from cce.benchmarks.sources import SOURCES, Folder, as_published, find_rows
from cce.errors import BadInput, DataMissing

# As published, save for the tolerance: the default stops a hundredth of a point early.
REGRESSION = {"solver": "liblinear", "fit_intercept": False, "random_state": 123, "tol": 1e-8, "max_iter": 1000}
# A stand-in for the gamed file, made from published weights, calls its preferences so.
PSEUDO = {"preference_pseudo": "preference"}


def load_gamed(data_dir: Folder = None) -> tuple[pd.DataFrame, pd.DataFrame] | tuple[None, None]:
    """Load the instructions' difficulty, and annotations of the gamed baselines: GPT-4, told to be brief or wordy.

    The columns are index and instruction_difficulty, and beside these preference (0 to 1) and std_delta_len. Both are
    None where neither folder nor hub has a file whose name begins with df_gamed. Raises BadInput where it lacks one.
    """
    try:
        rows = find_rows(SOURCES["df_gamed"], data_dir)
    except DataMissing:
        return None, None
    numbers = ["index", "preference", "std_delta_len", "instruction_difficulty"]
    with as_published("df_gamed: a column is missing or holds no numbers"):
        gamed = pd.DataFrame(rows).rename(columns=PSEUDO)[numbers].astype(float).astype({"index": int})
    return gamed.drop_duplicates("index")[["index", "instruction_difficulty"]], gamed


def preferred(annotations: pd.DataFrame) -> pd.Series:
    """How far the judge preferred the model's output: one value per row, 0 to 1; 0.5 is a draw, NaN is unreadable.

    The annotations are one model's rows, with the columns generator_2 (its name) and preference: from 1 (the reference
    is better) to 2, where 1.5 is a draw, and so is 0. Raises BadInput where rows are several models'.
    """
    if annotations.generator_2.nunique() > 1:
        raise BadInput("annotations: one model's at a time, but generator_2 names several")
    return annotations.preference.astype(float).replace(0, 1.5) - 1


def length_controlled_win_rate(
    annotations: pd.DataFrame, difficulty: pd.DataFrame, gamed: pd.DataFrame, strength: float | None = None
) -> float:
    """The win rate in percent, were the model's outputs as long as the reference's: judges prefer the longer one.

    The mean prediction, with the difference in length set to zero, of a regression of the preferences on it, on the
    instruction's difficulty and on the model. Source: section 3 of the paper, and its code, which looks up difficulties
    by a row's place among the model's rows: another instruction's, once one is missing. Here rows go by their index,
    unless a column `row` tells their place, for the leaderboard's rate. Rows without a preference are not fitted.

    The annotations also have index and the outputs' characters: len_output_1 (of the reference) and len_output_2. The
    other frames are as `load_gamed` or the files have them. `strength` is the inverse penalty, or `chosen_strength`'s.
    Raises BadInput where rows are several models', none has a preference, or an instruction has no difficulty.
    """
    strength = strength or chosen_strength(annotations, difficulty, gamed)
    features = _features(annotations, difficulty)
    rows, labels, weights = _rows(annotations, features, gamed)
    model = LogisticRegression(C=strength, l1_ratio=1, **REGRESSION).fit(rows, labels, sample_weight=weights)
    _, of_difficulty, of_model = model.coef_[0]
    return float(100 * expit(of_difficulty * features[:, 1] + of_model * features[:, 2]).mean())


def chosen_strength(annotations: pd.DataFrame, difficulty: pd.DataFrame, gamed: pd.DataFrame) -> float:
    """The inverse penalty, of ten, with the least log loss on left-out rows; takes what the rate above takes."""
    rows, labels, weights = _rows(annotations, _features(annotations, difficulty), gamed)
    # Both copies of a row are left out together.
    folds = list(GroupKFold(5).split(rows, groups=np.tile(np.arange(len(rows) // 2), 2)))
    how = {"scoring": "neg_log_loss", "l1_ratios": (1,), "use_legacy_attributes": False}
    model = LogisticRegressionCV(Cs=10, cv=folds, **how, **REGRESSION)
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
    # An instruction counts a fifth in the gamed baselines, a tenth in each of the two.
    weight = np.repeat([0.1, 1.0], [len(baseline), read.sum()])
    labels = np.repeat([1, 0], len(rows))
    return np.vstack([rows, rows]), labels, np.concatenate([weight * preference, weight * (1 - preference)])
