"""Tables 2 and 3: judges trained on judgments, and models trained on the responses that were picked, with their scores.

A student that judges is known by its short name, which judgments have as `judge`: "untrained", "student: " and what
taught it (vanilla, cce@8, labels), or any other judge's name.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import bootstrap

from cce.analysis.accuracy import AT_EQUAL_LENGTH, COUNTS, FOLLOWS_LENGTH, GROUP, accuracy_table, by_group, scored
from cce.analysis.comparison import contrasted
from cce.analysis.paper import ACCURACY, ROW, Student, paper_scores, paper_student, student_cells
from cce.analysis.statistics import Estimate, difference, proportion, with_interval
from cce.benchmarks.alpaca_eval import chosen_strength, length_controlled_win_rate, preferred
from cce.benchmarks.pair import Pool
from cce.benchmarks.published import Scoring
from cce.errors import BadInput
from cce.names import NO_JUDGE, TAUGHT, UNTRAINED, family, short_name

# By short name, the student of Table 2 that one of ours repeats, such as ("qwen2.5-7b", "cce", 10000).
Repeated = Mapping[str, Student] | None
READABLE = with_interval("readable")
COLUMNS = ["benchmark", "student", *COUNTS, "correct", *READABLE, *ACCURACY, "paper", "floor", *AT_EQUAL_LENGTH]
COLUMNS += [*FOLLOWS_LENGTH, "consistent", "rationale_tokens"]
COSTS = ["comparisons", "unreadable", "calls", "prompt_tokens", "completion_tokens"]
# Of the length-controlled rate: each is a regression of its own.
RESAMPLES = 499


def student_scores(judgments: pd.DataFrame, scoring: Scoring = "paper") -> pd.DataFrame:
    """The judgments of students, scored as by `scored`, with the students as methods of one judge "students", so that
    tables of methods serve for them.

    Takes judgments as `evaluate` makes them, with the students' short names as judges, one method each (where no model
    judged, the method's name stands for the student's). Raises BadInput where one student judged a pair twice.
    """
    names = judgments.judge.where(judgments.judge != NO_JUDGE, judgments.method)
    students = judgments.assign(method=names, judge="students")
    twice = students.method[students.duplicated(["benchmark", "method", "id"])]
    if len(twice):
        raise BadInput(f"{twice.iloc[0]!r} judged a pair twice; name the judges so that each has one method")
    return scored(students, scoring)


def distillation_table(scores: pd.DataFrame, paper: Repeated = None) -> pd.DataFrame:
    """Summarise what `student_scores` returns, with one row per benchmark and student, averages included.

    Returns COLUMNS: readable is the percent of single judgments, over all orders, that named an answer, with its 95%
    interval; rationale_tokens is the mean in the order given; the rest is as in `accuracy_table`.
    Raises BadInput where Table 2 lacks a student that `paper` names.
    """
    table = accuracy_table(scores).merge(by_group(scores, _reading), on=GROUP, validate="one_to_one")
    table["paper"] = list(map(paper_student, table.benchmark, map((paper or {}).get, table.method)))
    return table.rename(columns={"method": "student"})[COLUMNS]


def student_differences(scores: pd.DataFrame, paper: Repeated = None) -> pd.DataFrame:
    """Compare every taught student with the one that vanilla judgments taught, and with the untrained one.

    Takes and raises what `distillation_table` does. Returns the rows of `comparison_table`, with the paper's difference
    as `paper` names the two, and no plan (NaN).
    """
    known = paper or {}
    taught = [name for name in scores.method.unique() if name.startswith(TAUGHT)]
    table = contrasted(scores, dict.fromkeys([f"{TAUGHT}vanilla", UNTRAINED], taught))
    papers = [list(map(paper_student, table.benchmark, map(known.get, table[of]))) for of in ("method", "baseline")]
    return table.assign(paper=np.subtract(*papers).round(1))


def teaching_table(judgments: pd.DataFrame, sets: Mapping[str, Sequence]) -> pd.DataFrame:
    """What became of the teacher's judgments, with one row per method; `sets` are those of `teaching_sets`, by method.

    Returns method, pairs, verdicts (A or B), contradicted (by the label), accuracy (percent of the verdicts), tokens
    (mean length of a rationale) and examples (what the student was given).
    """
    rows = []
    for method, group in judgments.groupby("method", sort=False):
        verdicts = group[group.verdict.isin(["A", "B"])]
        agreed = int((verdicts.verdict == verdicts.label).sum())
        counts = {"pairs": len(group), "verdicts": len(verdicts), "contradicted": len(verdicts) - agreed}
        means = {"accuracy": 100 * agreed / max(len(verdicts), 1), "tokens": group.rationale_tokens.mean()}
        rows.append({"method": method, **counts, **means, "examples": len(sets[method])})
    return pd.DataFrame(rows).round(1)


def losses(folders: Mapping[str, Path]) -> pd.DataFrame:
    """The training loss of each student, by name, from its folder: the columns student, step, loss (nats per token)."""
    files = [pd.read_csv(folder / "loss.csv").assign(student=name) for name, folder in folders.items()]
    return pd.concat(files, ignore_index=True)[["student", "step", "loss"]]


def paper_students(base: str, sets: Mapping[str, Sequence], published: Mapping[str, str]) -> dict[str, Student]:
    """By short name, the students of Table 2 that ours repeat: the same base, taught alike, with as many examples; and
    its published judges. `sets` are those of `teaching_sets`, by method; a set of several methods is the paper's mixed
    one. `published` are judges' formats by model.
    """
    student = next((name for name in ("llama-3.1-8b", "qwen2.5-7b") if name in base.lower()), base)
    kinds = {name: "cce+vanilla" if " + " in name else family(name) for name in sets}
    wanted = {f"{TAUGHT}{name}": (student, kind, len(sets[name])) for name, kind in kinds.items()}
    known = {name: one for name, one in wanted.items() if ("average", *one) in student_cells()}
    printed = [cell[1:] for cell in student_cells() if cell[0] == "average" and cell[2] == "published judge"]
    of_format = {re.sub(r"-\d+b$", "", student): (student, *more) for student, *more in printed}
    return known | {short_name(model): of_format[form] for model, form in published.items() if form in of_format}


def picks_table(picks: pd.DataFrame, pools: Sequence[Pool]) -> pd.DataFrame:
    """Summarise what several methods picked from the same pools, with one row per method.

    Takes frames of `pick`. Returns method, sampling (as in Table 3, whose "crowd" is any method with a crowd), pools,
    sums of COSTS, calls_per_pool, length (mean, of what was picked, in characters) and longest (percent of the
    pools in which a longest response was picked).
    """
    longest = pd.Series({pool.id: max(map(len, pool.responses)) for pool in pools})
    length = picks.response.str.len()
    picks = picks.assign(length=length, longest=100.0 * (length == picks.id.map(longest)), pools=1)
    groups = picks.groupby("method", sort=False)
    table = groups[["pools", *COSTS]].sum().join(groups[["length", "longest"]].mean().round(1)).reset_index()
    table.insert(1, "sampling", table.method.where(~table.method.str.startswith("cce"), "crowd"))
    table.insert(table.columns.get_loc("calls") + 1, "calls_per_pool", (table.calls / table.pools).round(1))
    return table


def agreements(picks: pd.DataFrame) -> pd.DataFrame:
    """How often two methods picked the same text: for every two of them method, other, pools, same (how many)."""
    texts = picks.pivot(index="id", columns="method", values="response")
    return pd.DataFrame(
        {"method": one, "other": other, "pools": len(texts), "same": int((texts[one] == texts[other]).sum())}
        for one, other in combinations(picks.method.unique(), 2)
    )


def mt_bench_table(grades: pd.DataFrame) -> pd.DataFrame:
    """Summarise a frame of `grade`: for each judge and model one row per category, one per turn, and one over all.

    Returns judge, model, part (the category, "turn 1" ... or "all"), answers, unreadable (those without a rating) and
    rating, the mean of the others with its 95% bootstrap interval over questions (NaN where all are alike).
    """
    table = []
    for (judge, model), own in grades.groupby(["judge", "model"], sort=False):
        turns = [(f"turn {turn}", rows) for turn, rows in own.groupby("turn")]
        for part, rows in [*own.groupby("category", sort=False), *turns, ("all", own)]:
            read = rows.dropna(subset="rating")
            counts = {"part": part, "answers": len(rows), "unreadable": len(rows) - len(read)}
            rating = difference(read.rating, 0, 1, read.id).named("rating")
            table.append({"judge": judge, "model": model} | counts | rating)
    return pd.DataFrame(table)


def alpaca_table(
    annotations: pd.DataFrame, difficulty: pd.DataFrame | None = None, gamed: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Summarise annotations as `preferences` returns them, with one row per model.

    Returns model, instructions, unreadable (those without a preference), win_rate and length_controlled (percent), each
    with its 95% bootstrap interval over instructions (NaN where all are alike), and length (mean, in characters). The
    length-controlled rate takes what `load_gamed` returns, and is NaN without it; its regression is fitted anew to each
    sample, at the penalty chosen for the whole.
    """
    table = []
    for model, rows in annotations.groupby("generator_2", sort=False):
        share = preferred(rows)
        read = share.notna()
        unknown = gamed is None or not read.any()
        controlled = Estimate(nan, nan, nan) if unknown else _controlled(rows, difficulty, gamed)
        counts = {"model": model, "instructions": len(rows), "unreadable": int((~read).sum())}
        rate = difference(100 * share[read], 0, 1, rows["index"][read]).named("win_rate")
        table.append(counts | rate | controlled.named("length_controlled") | {"length": rows.len_output_2.mean()})
    return pd.DataFrame(table)


def trained_models(names: Sequence[str], picked: pd.DataFrame, base_model: str, instructions: str) -> pd.DataFrame:
    """The `models` of `rejection_table`: methods whose picks (a table of `picks_table`) taught one, and UNTRAINED."""
    known = picked.set_index("method").rename(columns={"pools": "count"})[["count", "sampling", "calls"]]
    known.loc[UNTRAINED] = [0, UNTRAINED, 0]
    models = pd.DataFrame({"model": list(names), "base_model": base_model, "instructions": instructions})
    return models.join(known, on="model")


def rejection_table(models: pd.DataFrame, mt_bench: pd.DataFrame, alpaca: pd.DataFrame) -> pd.DataFrame:
    """Put the scores of trained models into Table 3's form, with one row per model, in the order of `models`.

    `models` has the columns of `trained_models`: model (as both scores name it), base_model, instructions, count (of
    them), sampling (random, vanilla, crowd, or untrained) and calls (of the picking); `mt_bench` is of one judge.
    Returns these columns and, NaN where a model has no such score, mtbench (1 to 10), win_rate and length_controlled
    (percent) with their intervals, mean_length (of AlpacaEval-2's answers, in characters), and what `paper_scores`
    finds for the row. The paper does not name its two rates, so neither stands beside one of ours.
    Raises BadInput for a model that has no score at all.
    """
    unscored = set(models.model) - set(mt_bench.model) - set(alpaca.model)
    if unscored:
        raise BadInput(f"neither MT-Bench nor AlpacaEval-2 has a score of {', '.join(sorted(unscored))}")
    ratings = mt_bench[mt_bench.part == "all"].filter(regex="^(model|rating)")
    ratings.columns = ratings.columns.str.replace("rating", "mtbench")
    rates = alpaca.filter(regex="^(model|win_rate|length)").rename(columns={"length": "mean_length"})
    how = {"how": "left", "on": "model", "validate": "one_to_one"}
    table = models.merge(ratings, **how).merge(rates, **how)
    paper = pd.DataFrame([paper_scores(*row) for row in table[ROW].itertuples(index=False)])
    return table.join(paper.add_prefix("paper_"))


def score_steps(grades: pd.DataFrame, annotations: pd.DataFrame) -> pd.DataFrame:
    """What each model scores more than the one before it, on the same questions.

    Takes the frame of `grade`, of one judge, and that of `preferences`, of the same models. Returns score ("rating", or
    "win rate" in percent), model, baseline (the one before it in `grades`), answers (that have both models' scores) and
    gain with its 95% bootstrap interval over questions (NaN where all differ alike).
    """
    annotations = annotations.rename(columns={"generator_2": "model", "index": "id"})
    rating = grades.set_index(["model", "id", "turn"]).rating
    won, names, rows = 100 * (annotations.set_index(["model", "id"]).preference - 1), list(grades.model.unique()), []
    for score, values in {"rating": rating, "win rate": won}.items():
        for baseline, model in zip(names, names[1:], strict=False):
            both = pd.DataFrame({"score": values[model], "baseline": values[baseline]}).dropna()
            gain = difference(both.score, both.baseline, 1, both.index.get_level_values("id")).named("gain")
            rows.append({"score": score, "model": model, "baseline": baseline, "answers": len(both)} | gain)
    return pd.DataFrame(rows)


def _reading(every: pd.DataFrame) -> dict:
    scores = every.dropna(subset="score")
    if scores.empty:
        return dict.fromkeys([*READABLE, "rationale_tokens"], nan)
    swapped = scores.text_swapped.notna()
    read = pd.concat([scores.p_given, scores.p_swapped[swapped]]).notna()
    # Two judgments of a pair, which depend on each other, count together as one of another pair does.
    weight = scores.weight / (1 + swapped)
    weight, cluster = (pd.concat([column, column[swapped]]) for column in (weight, scores.cluster))
    tokens = np.average(scores.rationale_tokens, weights=scores.weight)
    return proportion(read, weight, cluster).named("readable", 100, 1) | {"rationale_tokens": round(tokens, 1)}


def _controlled(annotations: pd.DataFrame, difficulty: pd.DataFrame, gamed: pd.DataFrame) -> Estimate:
    fixed = {"difficulty": difficulty, "gamed": gamed, "strength": chosen_strength(annotations, difficulty, gamed)}
    how = {"n_resamples": RESAMPLES, "vectorized": False, "method": "percentile", "rng": np.random.default_rng(0)}
    places = (np.arange(len(annotations)),)
    drawn = bootstrap(places, lambda rows: length_controlled_win_rate(annotations.iloc[rows], **fixed), **how)
    return Estimate(length_controlled_win_rate(annotations, **fixed), *drawn.confidence_interval)
