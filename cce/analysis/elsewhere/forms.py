"""Forms in which judgments are published: the fields by which each is known, and how its rows are read.

A reader gives dicts with id, judge, method, label, subset, cluster and `p_in`: the probability that A is better in each
order that was asked, the given one first, None where no verdict could be read. Both speak of the pair's own A.
"""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from cce.errors import BadInput

# A judge's verdict, by what the published sets call it: whose the first answer is.
FIRST_WINS = {"1": 1.0, "2": 0.0, "A>B": 1.0, "B>A": 0.0, "A=B": 0.5, "model_1": 1.0, "model_2": 0.0, "tie": 0.5}
FIRST_WINS |= {"model_a": 1.0, "model_b": 0.0, "tie (inconsistent)": 0.5}
LABELS = {"1": "A", "2": "B", "A>B": "A", "B>A": "B"}
# Whose scores a published file of RewardBench 2 holds, by the beginning of its name and the field.
RATERS = {
    ("base_both", "full"): "gpt-5.4",
    ("base_both", "mini"): "gpt-5.4-mini",
    ("base_nano", "nano"): "gpt-5.4-nano",
    ("base_claude", "full"): "claude-sonnet-4.6",
    ("base_claude", "mini"): "claude-haiku-4.5",
}


class Form(NamedTuple):
    """A published form: the fields that tell it from others, and its reader of rows and the file's name."""

    fields: frozenset[str]
    read: Callable[[Iterable[dict], str], Iterator[dict]]


def judgebench(rows: Iterable[dict], name: str) -> Iterator[dict]:
    """JudgeBench's outputs (Tan et al. 2024, arXiv 2410.12784); the second decision is in the letters as shown."""
    for row in rows:
        games = [FIRST_WINS.get((game or {}).get("decision")) for game in row["judgments"]]
        p_in = [*games[:1], *(None if p is None else 1 - p for p in games[1:])]
        judge = next((game["judgment"]["judge_model"] for game in row["judgments"] if game), row["judge_name"])
        place = {"id": row["pair_id"], "subset": row["source"], "cluster": row["question"], "benchmark": "judgebench"}
        yield place | {"judge": judge, "method": row["judge_name"], "label": LABELS[row["label"]], "p_in": p_in}


def alpaca_eval(rows: Iterable[dict], name: str) -> Iterator[dict]:
    """alpaca_eval's annotations (Dubois et al. 2024, arXiv 2404.04475): A is the baseline's output. The order in which
    the two were shown is not kept.
    """
    for place, row in enumerate(rows):
        preference = row["preference"]
        # Older files have a draw as 0.
        preference = 1.5 if preference == 0 else preference
        p_a = None if preference is None or preference != preference else 2 - float(preference)
        known = {"id": str(row.get("index", place)), "subset": row.get("dataset", ""), "cluster": row["instruction"]}
        yield known | {"judge": row["annotator"], "method": row["generator_2"], "label": None, "p_in": [p_a]}


def fastchat(rows: Iterable[dict], name: str) -> Iterator[dict]:
    """FastChat's pairwise judgments of MT-Bench (Zheng et al. 2023, arXiv 2306.05685): A is model_1."""
    for row in rows:
        p_in = [FIRST_WINS.get(row[winner]) for winner in ("g1_winner", "g2_winner")]
        called = f"{row['question_id']}-{row['model_1']}-{row['model_2']}-turn{row['turn']}"
        judge, method = row["judge"] if isinstance(row["judge"], list) else (row["judge"], "vanilla")
        place = {"id": called, "cluster": str(row["question_id"]), "subset": f"turn{row['turn']}"}
        texts = {"text": row.get("g1_judgment"), "text_swapped": row.get("g2_judgment")}
        yield place | texts | {"judge": judge, "method": method, "label": None, "p_in": p_in}


def mtbench(rows: Iterable[dict], name: str) -> Iterator[dict]:
    """MT-Bench's published judgments, of GPT-4 or of people: A is model_a. GPT-4 judged both orders, of which one
    verdict is published; where they disagree it is a tie.
    """
    for row in rows:
        called = f"{row['question_id']}-{row['model_a']}-{row['model_b']}-turn{row['turn']}"
        judge = row.get("judge") if name != "mtbench_gpt4" else "gpt-4"
        place = {"id": called, "cluster": str(row["question_id"]), "subset": f"turn{row['turn']}"}
        place |= {"benchmark": "mtbench"}
        yield place | {"judge": judge, "method": "vanilla", "label": None, "p_in": [FIRST_WINS[row["winner"]]]}


def llmbar(rows: Iterable[dict], name: str) -> Iterator[dict]:
    """LLMBar's judges (Zeng et al. 2024, arXiv 2310.07641): winners in both orders, the second translated back.

    Of several rows for one pair, as strategies with several rounds have them, the last one counts.
    """
    last = {tuple(row[part] for part in ("judge", "strategy", "subset", "index")): row for row in rows}
    for (judge, strategy, subset, index), row in last.items():
        called, label = f"{subset.lower()}-{index}", LABELS[str(row["label"])]
        p_in = [FIRST_WINS.get(str(row[f"winner_{order}"])) for order in ("given", "swapped")]
        place = {"id": called, "subset": subset, "cluster": called, "benchmark": "llmbar"}
        yield place | {"judge": judge, "method": strategy, "label": label, "p_in": p_in}


def llmbar_tree(folder: Path) -> Iterator[dict]:
    """The same of the published tree, Dataset/LLMBar/SUBSET/evaluators/JUDGE/STRATEGY/result.json, gzipped or not."""
    files = sorted(folder.rglob("evaluators/*/*/result.json*"))
    if not files:
        raise BadInput(f"{folder}: no SUBSET/evaluators/JUDGE/STRATEGY/result.json lies there")
    yield from llmbar(_of_tree(files), str(folder))


def _of_tree(files: Iterable[Path]) -> Iterator[dict]:
    for file in files:
        *before, _, judge, strategy, _ = file.parts
        subset = before[-1] if before[-1] == "Natural" else "/".join(before[-2:])
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        for index, row in enumerate(json.loads(content)):
            asked = row["results"][-1]
            won = {f"winner_{order}": asked[f"swap = {swap}"]["winner"] for order, swap in ORDERS.items()}
            named = {"judge": judge, "strategy": strategy, "subset": subset, "index": index}
            yield named | {"label": row["label"]} | won


ORDERS = {"given": False, "swapped": True}


def rewardbench2(rows: Iterable[dict], name: str) -> Iterator[dict]:
    """Scores of RewardBench 2's responses (arXiv 2604.13717): the chosen one, as A, beside each rejected one, by the
    mean of all scores that were given; equal means are a tie.
    """
    for judge, item, subset, scores in ratings(rows):
        means = [fmean(own) if (own := [one for one in response if one is not None]) else None for response in scores]
        for place, rejected in enumerate(means[1:], start=1):
            lead = None if None in (means[0], rejected) else means[0] - rejected
            p_a = None if lead is None else 0.5 if lead == 0 else float(lead > 0)
            # An item's number is its own within its subset alone.
            called = {"id": f"{subset}-{item}-{place}", "subset": subset, "cluster": f"{subset}-{item}"}
            called |= {"benchmark": "rewardbench2"}
            yield called | {"judge": judge, "method": f"rate@{len(scores[0])}", "label": "A", "p_in": [p_a]}


def ratings(rows: Iterable[dict]) -> Iterator[tuple[str, str, str, list[list[int | None]]]]:
    """Judge, item, subset, and the scores of each response, the chosen one first; of the published files or shipped."""
    for row in rows:
        if "scores" in row:
            scores = [[int(one) if one else None for one in said.split(",")] for said in row["scores"].split("|")]
            yield row["judge"], row["id"], row["subset"], scores
            continue
        for (file, field), judge in RATERS.items():
            if row["file"].startswith(file) and f"{field}_scores" in row:
                yield judge, row["id"], row["subset"], row[f"{field}_scores"]


def inspect_log(path: Path) -> Iterator[dict]:
    """A log of inspect_ai, of a task whose model judges pairs: its answer is the verdict, its target the label.

    Raises BadInput where inspect_ai, whose own reader this takes, is not installed.
    """
    try:
        from inspect_ai.log import read_eval_log
    except ImportError:
        raise BadInput(f"{path}: inspect_ai reads its own logs: pip install inspect-ai") from None
    log = read_eval_log(str(path))
    for sample in log.samples or []:
        score = next(iter((sample.scores or {}).values()), None)
        answer = None if score is None or sample.error else str(score.answer or "").strip().upper()
        target = sample.target if isinstance(sample.target, str) else sample.target[0]
        called = f"{sample.id}#{sample.epoch}" if sample.epoch > 1 else str(sample.id)
        known = {"id": called, "cluster": str(sample.id), "subset": str((sample.metadata or {}).get("subset", ""))}
        label = target if target in ("A", "B") else None
        yield known | {"judge": log.eval.model, "label": label, "p_in": [{"A": 1.0, "B": 0.0}.get(answer)]}


KIT = Form(frozenset({"id", "judge", "method", "verdict", "p_given", "failed"}), iter)
FORMS = [
    KIT,
    Form(frozenset({"pair_id", "judge_name", "judgments"}), judgebench),
    Form(frozenset({"preference", "generator_1", "generator_2"}), alpaca_eval),
    Form(frozenset({"g1_winner", "g2_winner"}), fastchat),
    Form(frozenset({"question_id", "turn", "model_a", "model_b", "winner"}), mtbench),
    Form(frozenset({"judge", "strategy", "subset", "winner_given", "winner_swapped"}), llmbar),
    Form(frozenset({"judge", "subset", "scores"}), rewardbench2),
    Form(frozenset({"id", "subset", "prompt_variant", "k"}), rewardbench2),
]
