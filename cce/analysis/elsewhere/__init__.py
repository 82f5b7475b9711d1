"""Judgments from elsewhere: what any judge said of pairs, in the frame that `evaluate` gives, whoever asked for it.

    load_judgments("llmbar_judgments"), load_judgments("my_verdicts.csv", judge="model", verdict="winner")

Whatever `cce.analysis` does with a frame of `evaluate` it does with these.
"""

from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, Field, ValidationError

from cce.analysis.elsewhere.forms import FORMS, KIT, inspect_log, llmbar_tree, mtbench
from cce.benchmarks import load_pairs
from cce.benchmarks.files import read_rows
from cce.benchmarks.sources import SOURCES, as_published, find_rows
from cce.crowd.record import COLUMNS
from cce.crowd.verdict import Reading, combine
from cce.errors import BadInput

DATA = Path(__file__).parent / "data"
# Numbers that ship with the kit: who won by whose verdict, and which score; no text. data/SOURCES.md says from where.
SHIPPED = {
    "llmbar_judgments": "llmbar.csv.gz",
    "mtbench_gpt4": "mtbench_gpt4.csv.gz",
    "rewardbench2_scores": "rewardbench2_scores.csv.gz",
}
# Those that the hub has as well; of the others it has nothing, and the shipped numbers are read in its place.
ON_HUB = ("mtbench_gpt4",)
# What a verdict may be called in a file of the user's own, in any case.
WORDS = {"a": 1.0, "b": 0.0, "tie": 0.5, "c": 0.5, "a>b": 1.0, "b>a": 0.0, "a=b": 0.5, "model_a": 1.0, "model_b": 0.0}
P_LABEL = {"A": 1.0, "B": 0.0, "tie": 0.5}


class Said(BaseModel, coerce_numbers_to_str=True, extra="ignore"):
    """A row of a file of the user's own: what a judge said of a pair, in one order.

    The verdict names the pair's own A or B in either order; an empty one is unreadable. `p_a` is the probability of A.
    """

    id: str = Field(min_length=1)
    judge: str = Field(min_length=1)
    verdict: str | None = None
    method: str = "vanilla"
    order: Literal["given", "swapped"] = "given"
    label: str | None = None
    p_a: float | None = Field(None, ge=0, le=1)
    text: str | None = None
    benchmark: str = ""
    subset: str = ""
    cluster: str | None = None

    def p(self, place: str) -> float | None:
        """The probability of A by the verdict, None for an unreadable one. Raises BadInput for a word that is none."""
        if self.p_a is not None or not self.verdict:
            return self.p_a
        if (p_a := WORDS.get(self.verdict.strip().lower())) is None:
            raise BadInput(
                f"{place}: verdict {self.verdict!r}: A, B or tie is wanted, or nothing for an unreadable one"
            )
        return p_a


def load_judgments(
    name_or_path: str | Path, data_dir: str | Path | None = None, pairs: str | Path | None = None, **columns: str
) -> pd.DataFrame:
    """Load judgments: those of SHIPPED, of a file of the kit's own, of a published form, or of any table.

    Args:
        name_or_path: a name of SHIPPED; a file of JSON, JSONL, CSV or Parquet, perhaps gzipped; an inspect_ai log; or
            a folder of `cce export` or of LLMBar's published tree. Forms that are known, by their fields: the kit's
            own, JudgeBench's outputs, alpaca_eval's annotations, FastChat's pairwise judgments, the MT-Bench judgments,
            RewardBench 2 scores. Any other table has id, judge, verdict and the further fields of `Said`, a row an
            order.
        data_dir: of a shipped name, a folder of the published files to read in place of it; or "hub", which has
            mtbench_gpt4 alone.
        pairs: a file or benchmark of pairs, whose labels, subsets and questions go before the judgments' own.
        columns: what the table calls a field, such as verdict="winner".

    Returns one row per judge, method and pair with the columns of `evaluate`, of which those that nobody knows are
    empty. Raises BadInput naming file, row and field.
    """
    rows = [] if columns else _known(str(name_or_path), data_dir)
    rows = rows or _own(read_rows(Path(name_or_path)), str(name_or_path), columns)
    frame = pd.DataFrame([_row(row, Path(name_or_path).name) for row in rows], columns=COLUMNS)
    if frame.empty:
        raise BadInput(f"{name_or_path}: holds no judgment")
    return frame if pairs is None else _labelled(frame, pairs, str(name_or_path))


def _known(name: str, data_dir: str | Path | None) -> list[dict]:
    """The rows of a shipped name or a published form; none for a table of the user's own."""
    if name in SHIPPED:
        there = data_dir is not None and (str(data_dir) != "hub" or name in ON_HUB)
        return _published(name, data_dir) if there else _in_form(read_rows(DATA / SHIPPED[name]), name)
    path = Path(name)
    if (path / "judgments.parquet").is_file():
        path = path / "judgments.parquet"
    if path.is_dir():
        return list(llmbar_tree(path))
    if path.suffix == ".eval":
        return list(inspect_log(path))
    if not path.suffix:
        raise BadInput(f"{name}: one of {', '.join(SHIPPED)}, or the path of a file of judgments")
    rows = read_rows(path)
    return _in_form(rows, path.name) if rows else []


def _published(name: str, data_dir: str | Path) -> list[dict]:
    if name == "mtbench_gpt4":
        return list(mtbench(find_rows(SOURCES[name], None if str(data_dir) == "hub" else data_dir), name))
    if name == "llmbar_judgments":
        return list(llmbar_tree(Path(data_dir)))
    return _in_form(score_rows(data_dir), name)


def score_rows(data_dir: str | Path | None = None) -> list[dict]:
    """The rows of RewardBench 2's scores, as shipped or from a folder of published files. Raises BadInput for none."""
    if data_dir is None or str(data_dir) == "hub":
        return read_rows(DATA / SHIPPED["rewardbench2_scores"])
    # Whose scores these are stands in the file's name alone.
    files = sorted(Path(data_dir).rglob("*_k8.jsonl*"))
    if not (rows := [row | {"file": file.name} for file in files for row in read_rows(file)]):
        raise BadInput(f"{data_dir}: no ratings *_k8.jsonl lie there")
    return rows


def _in_form(rows: list[dict], name: str) -> list[dict]:
    form = next((form for form in FORMS if isinstance(rows[0], dict) and form.fields <= set(rows[0])), None)
    if form is None:
        return []
    if form is KIT:
        return rows
    with as_published(f"{name}: a row lacks a field, or holds a value unknown there"):
        return list(form.read(rows, name))


def _own(rows: list[dict], name: str, columns: dict[str, str]) -> list[dict]:
    """Rows of any table, one an order, as one a pair."""
    if unknown := sorted(set(columns) - set(Said.model_fields)):
        raise BadInput(f"column {unknown[0]!r}: one of {', '.join(Said.model_fields)}")
    found: dict[tuple, dict] = {}
    for number, row in enumerate(rows, start=1):
        place = f"{name}, row {number}"
        said = _said(row, place, columns)
        one = found.setdefault((said.benchmark, said.id, said.judge, said.method), _begun(said, place))
        if said.order in one["orders"]:
            raise BadInput(f"{place}: {said.judge} judges {said.id!r} by {said.method} twice in the {said.order} order")
        one["orders"][said.order] = said.p(place), said.text
    return [_one_a_pair(one) for one in found.values()]


def _said(row: dict, place: str, columns: dict[str, str]) -> Said:
    if missing := [name for name in columns.values() if name not in row]:
        raise BadInput(f"{place}: there is no column {missing[0]!r}; there are: {', '.join(map(str, row))}")
    named = {name: row.get(columns.get(name, name)) for name in Said.model_fields}
    # Empty cells, and those that a table's reader takes for not a number, are absent.
    given = {name: cell for name, cell in named.items() if cell not in (None, "") and cell == cell}
    try:
        return Said.model_validate(given)
    except ValidationError as error:
        problem = error.errors()[0]
        column = columns.get(problem["loc"][0], problem["loc"][0])
        raise BadInput(f"{place}: {column}: {problem['msg']}; there are: {', '.join(map(str, row))}") from None


def _begun(said: Said, place: str) -> dict:
    label = (said.label or "").strip()
    label = {"a": "A", "b": "B", "tie": "tie"}.get(label.lower(), label)
    if label and label not in P_LABEL:
        raise BadInput(f"{place}: label {label!r}: A, B or tie is wanted, or nothing")
    kept = said.model_dump(include={"id", "judge", "method", "benchmark", "subset", "cluster"})
    return kept | {"label": label or None, "orders": {}}


def _one_a_pair(one: dict) -> dict:
    orders = one.pop("orders")
    given = orders.get("given") or orders["swapped"]
    swapped = orders.get("swapped") if "given" in orders else None
    texts = {"text": given[1], "text_swapped": swapped and swapped[1]}
    return one | texts | {"p_in": [given[0], *([swapped[0]] if swapped else [])]}


def _row(row: dict, source: str) -> dict:
    """A row as `forms` gives it, or a record of the kit's own, with the columns of `evaluate`."""
    if "p_in" not in row:
        return {name: row.get(name) for name in COLUMNS}
    p_in = row.pop("p_in")
    # As two readings, of which the second one speaks of the answers in each other's place.
    readings = [Reading("", p) for p in p_in[:1]] + [Reading("", None if p is None else 1 - p) for p in p_in[1:]]
    judgment, label = combine(readings), row.get("label")
    found = {"verdict": judgment.verdict, "p_a": judgment.p_a, "correct": judgment.verdict == label if label else None}
    found |= dict(zip(("p_given", "p_swapped"), p_in, strict=False))
    found |= {"cluster": row.get("cluster") or row["id"], "method": row.get("method") or "vanilla"}
    found["benchmark"] = row.get("benchmark") or source
    return row | found


def _labelled(frame: pd.DataFrame, pairs: str | Path, name: str) -> pd.DataFrame:
    known = {pair.id: pair for pair in load_pairs(str(pairs))}
    if missing := sorted(set(frame.id.astype(str)) - set(known)):
        raise BadInput(f"{name}: {pairs} has no pair {missing[0]!r}; are these the pairs that were judged?")
    of = [known[name] for name in frame.id.astype(str)]
    lengths = {f"length_{side}": [pair.lengths[place] for pair in of] for place, side in enumerate("ab")}
    told = {name: [getattr(pair, name) for pair in of] for name in ("benchmark", "subset", "label")}
    frame = frame.assign(**told, **lengths, cluster=[pair.questions[0] for pair in of])
    right = frame.verdict == frame.label
    return frame.assign(correct=right.where(frame.label.notna() & frame.failed.isna(), None))
