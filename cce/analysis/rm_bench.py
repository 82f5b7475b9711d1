"""RM-Bench's own tables: accuracy by how the right and the wrong response are written (Liu et al. 2024, arXiv
2410.16184).

Takes judgments of the pairs of `load_pairs("rm_bench")`. Each domain counts alike, Safety's two files half each. An
unreadable verdict and a tie are wrong, as in all accuracies by the paper's scoring.
"""

import numpy as np
import pandas as pd

from cce.analysis.statistics import proportion, with_interval
from cce.errors import BadInput

# By the digit in a pair's id, that of the right response before that of the wrong one.
STYLES = ["plain", "detailed", "in markdown"]
# The right response is the plainer one, or both are alike, or it is the more ornate one.
LEVELS = ["hard", "normal", "easy"]
# What a file counts for.
WEIGHT = {"chat": 1.0, "code": 1.0, "math": 1.0, "safety-refuse": 0.5, "safety-response": 0.5}
TABLE = ["judge", "method", "level", "domains", "pairs", *with_interval("accuracy")]


def level_table(judgments: pd.DataFrame) -> pd.DataFrame:
    """One row per judge, method and level, and one for all nine comparisons: TABLE; accuracy is in percent with its 95%
    interval over prompts, `domains` says of how many files.
    """
    rows = []
    for (judge, method), own in _known(judgments).groupby(["judge", "method"], sort=False):
        parts = [(level, own[own.level == level]) for level in LEVELS] + [("all", own)]
        told = {"judge": judge, "method": method}
        rows += [told | {"level": name} | _accuracy(part) for name, part in parts if len(part)]
    return pd.DataFrame(rows, columns=TABLE)


def style_table(judgments: pd.DataFrame) -> pd.DataFrame:
    """The 3 by 3 matrix in percent: one row per judge, method and style of the right response (`right`), one column per
    style of the wrong one. Above the diagonal it is hard, below it easy.
    """
    known = _known(judgments)
    cells = known.groupby(["judge", "method", "right", "wrong"], sort=False).apply(_accuracy)
    matrix = cells.map(lambda cell: cell["accuracy"]).unstack("wrong").reindex(columns=STYLES).reset_index()
    order = np.lexsort([matrix.right.map(STYLES.index), matrix.method, matrix.judge])
    return matrix.iloc[order].rename_axis(columns=None).reset_index(drop=True)


def _known(judgments: pd.DataFrame) -> pd.DataFrame:
    known = judgments[(judgments.benchmark == "rm_bench") & judgments.failed.isna()]
    if known.empty:
        raise BadInput("rm_bench: none of its pairs was judged")
    domain, level = (known.subset.str.split(": ").str[place] for place in (0, 1))
    right, wrong = (known.id.str[place].astype(int).map(STYLES.__getitem__) for place in (-2, -1))
    return known.assign(domain=domain, level=level, right=right, wrong=wrong)


def _accuracy(rows: pd.DataFrame) -> dict:
    weight = rows.domain.map(WEIGHT) / rows.groupby("domain").id.transform("count")
    accuracy = proportion(rows.correct.astype(float), weight, rows.cluster).named("accuracy", 100)
    return {"domains": rows.domain.nunique(), "pairs": len(rows)} | accuracy
