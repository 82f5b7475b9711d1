"""Table 3: models trained on answers that a judge picked, scored by MT-Bench and AlpacaEval-2."""

import pandas as pd

from cce.analysis.paper.cells import paper_scores
from cce.errors import BadInput

# What makes a row of Table 3.
ROW = ["base_model", "instructions", "count", "sampling"]
# What is taken from either score, and under which name.
MT_BENCH = {"rating": "mtbench", "rating_low": "mtbench_low", "rating_high": "mtbench_high"}
ALPACA = {name + end: name + end for name in ("win_rate", "length_controlled") for end in ("", "_low", "_high")}
ALPACA |= {"length": "mean_length"}


def rejection_table(models: pd.DataFrame, mt_bench: pd.DataFrame, alpaca: pd.DataFrame) -> pd.DataFrame:
    """Put the scores of trained models into Table 3's form, a row a model, in the order of `models`.

    Args:
        models: the columns model (as both scores name it), base_model (NAME or NAME@BASE_URL), instructions (lima and
            tulu3_sft are the paper's), count (of them), sampling (random, vanilla, crowd, or untrained for the base
            model as it was) and calls (what the picking cost, 0 where nothing was judged).
        mt_bench: as `mt_bench_table` makes it, of one judge.
        alpaca: as `alpaca_table` makes it.

    Returns these columns and, NaN where a model has no such score, mtbench (1 to 10), win_rate and length_controlled
    (percent) with their intervals, mean_length (of AlpacaEval-2's answers, in characters), and the paper's
    paper_mtbench, paper_alpaca_first and paper_alpaca_second for the same base model, instructions, count and
    sampling. The paper does not name the last two, so that neither stands beside one of ours.
    Raises BadInput for a model that has no score at all.
    """
    unscored = set(models.model) - set(mt_bench.model) - set(alpaca.model)
    if unscored:
        raise BadInput(f"neither MT-Bench nor AlpacaEval-2 has a score of {', '.join(sorted(unscored))}")
    table = models
    for scores, names in ((mt_bench[mt_bench.part == "all"], MT_BENCH), (alpaca, ALPACA)):
        scores = scores[["model", *names]].rename(columns=names)
        table = table.merge(scores, "left", on="model", validate="one_to_one")
    paper = pd.DataFrame([paper_scores(*row) for row in table[ROW].itertuples(index=False)])
    return table.join(paper.add_prefix("paper_"))
