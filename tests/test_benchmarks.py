"""Loading pairs: published files in every form, labels, sides, limits, and clear errors."""

import csv
import gzip
import json
import os
import re
import tracemalloc
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from cce import load_pairs
from cce.benchmarks import BENCHMARKS, PUBLISHED, Benchmark, Source, register
from cce.benchmarks.pair import Pair
from cce.benchmarks.pair_file import PairFile
from cce.benchmarks.published import goodness
from cce.benchmarks.sources import SOURCES, find_rows
from cce.errors import BadInput, DataMissing

REWARDBENCH = [
    {
        "prompt": f"Question {n}?",
        "chosen": f"good {n}",
        "chosen_model": "m",
        "rejected": f"bad {n}",
        "rejected_model": "n",
        "subset": "hep-go",
        "id": n,
    }
    for n in range(40)
]
RATED = {"helpfulness": 3, "correctness": 3, "coherence": 4, "complexity": 1, "verbosity": 1}
HELPSTEER2 = [
    {"prompt": "One?", "response": "plain", **RATED},
    {"prompt": "One?", "response": "wordy", **RATED, "verbosity": 4},
    {"prompt": "Two?", "response": "wrong", **RATED, "correctness": 0},
    {"prompt": "Two?", "response": "right", **RATED},
    {"prompt": "Three?", "response": "like", **RATED},
    {"prompt": "Three?", "response": "alike", **RATED},
]
TALK = [{"role": role, "content": f"{role} {turn}"} for turn in (1, 2) for role in ("user", "assistant")]
VOTE = {
    "question_id": 81,
    "model_a": "m",
    "model_b": "n",
    "judge": "expert_1",
    "conversation_a": TALK,
    "conversation_b": TALK,
}
MTBENCH = [VOTE | {"winner": winner, "turn": turn} for winner in ("model_a", "model_b", "tie") for turn in (1, 2)]
JUDGEBENCH = [
    {
        "pair_id": f"p{label}",
        "original_id": "1",
        "source": "mmlu-pro-law",
        "question": "?",
        "response_model": "gpt-4o",
        "response_A": "a",
        "response_B": "b",
        "label": label,
    }
    for label in ("A>B", "B>A")
]
OFFSETBIAS = [
    {"instruction": f"Q{n}", "output_1": "one", "output_2": "two", "label": 1 + n % 2, "bias": "length"}
    for n in range(1001)
]


def write(folder, name, rows):
    """The rows as a file in the format that its name says."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith("parquet"):
        return pd.DataFrame(rows).to_parquet(path)
    opened = gzip.open if name.endswith("gz") else open
    with opened(path, "wt", encoding="utf-8", newline="") as file:
        if ".csv" in name:
            rows = [
                {key: value if isinstance(value, str) else json.dumps(value) for key, value in row.items()}
                for row in rows
            ]
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        else:
            file.write(json.dumps(rows) if ".jsonl" not in name else "\n".join(map(json.dumps, rows)))


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv", "json.gz", "jsonl.gz", "csv.gz", "parquet"])
@pytest.mark.parametrize(
    ("benchmark", "file", "rows", "labels"),
    [
        ("rewardbench", "reward-bench/data/filtered-00000-of-00001", REWARDBENCH, None),
        ("helpsteer2", "HelpSteer2/validation", HELPSTEER2, "BB"),
        ("mtbench_human", "mt_bench_human_judgments/human-00000-of-00001-25f49108", MTBENCH, "AABB"),
        ("judgebench", "JudgeBench/data/gpt-00000-of-00001", JUDGEBENCH, "AB"),
        ("evalbias", "offsetbias/data/train-00000-of-00001", OFFSETBIAS, "AB" * 500),
    ],
)
def test_a_published_file_loads_in_every_format(tmp_path, kind, benchmark, file, rows, labels):
    write(tmp_path, f"{file}.{kind}", rows)
    pairs = load_pairs(benchmark, tmp_path)
    assert labels is None or "".join(pair.label for pair in pairs) == labels
    assert {pair.benchmark for pair in pairs} == {benchmark}
    assert len({pair.id for pair in pairs}) == len(pairs)


def test_the_folder_may_come_from_the_environment(tmp_path, monkeypatch):
    write(tmp_path, "judgebench/gpt.jsonl", JUDGEBENCH)
    monkeypatch.setenv("CCE_DATA", str(tmp_path))
    assert [pair.label for pair in load_pairs("judgebench")] == ["A", "B"]


def test_shards_of_one_file_are_read_together_and_two_files_are_an_error(tmp_path):
    write(tmp_path, "reward-bench/filtered-00000-of-00002.jsonl", REWARDBENCH[:10])
    write(tmp_path, "reward-bench/filtered-00001-of-00002.jsonl", REWARDBENCH[10:])
    assert len(load_pairs("rewardbench", tmp_path)) == 40
    write(tmp_path, "reward-bench/filtered.json", REWARDBENCH)
    with pytest.raises(BadInput, match="several files"):
        load_pairs("rewardbench", tmp_path)


def test_chosen_and_rejected_get_sides_by_the_seed_and_stay_labelled(tmp_path):
    write(tmp_path, "rewardbench/filtered.json", REWARDBENCH)
    first, again, other = (load_pairs("rewardbench", tmp_path, seed=seed) for seed in (0, 0, 1))
    assert first == again != other
    assert 10 < sum(pair.label == "A" for pair in first) < 30
    assert all((pair.answer_a if pair.label == "A" else pair.answer_b).startswith("good") for pair in first + other)


def test_a_missing_row_moves_no_other_pairs_side(tmp_path):
    rows = [row | {"filtered_index": n} for n, row in enumerate(REWARDBENCH)]
    write(tmp_path / "all", "rewardbench/filtered.json", rows)
    write(tmp_path / "part", "rewardbench/filtered.json", rows[5:])
    assert load_pairs("rewardbench", tmp_path / "all")[5:] == load_pairs("rewardbench", tmp_path / "part")


def test_helpsteer2_counts_verbosity_against_an_answer_and_in_the_papers_scoring_for_it(tmp_path):
    assert goodness(RATED, "standard") == pytest.approx(0.65 * 3 + 0.8 * 3 + 0.45 * 4 + 0.55 - 0.4)
    assert goodness(RATED, "paper") == pytest.approx(0.65**2 * 3 + 0.8**2 * 3 + 0.45**2 * 4 + 0.55**2 + 0.4**2)
    write(tmp_path, "helpsteer2/validation.jsonl", HELPSTEER2)
    labels = {way: [p.label for p in load_pairs("helpsteer2", tmp_path, scoring=way)] for way in ("paper", "standard")}
    assert labels == {"paper": ["B", "B"], "standard": ["A", "B"]}


def test_judgebench_prescribes_both_orders_in_the_standard_scoring_alone(tmp_path):
    write(tmp_path, "judgebench/gpt.jsonl", JUDGEBENCH)
    assert {pair.order for pair in load_pairs("judgebench", tmp_path)} == {None}
    assert {pair.order for pair in load_pairs("judgebench", tmp_path, scoring="standard")} == {"both"}


def test_an_unknown_scoring_is_refused():
    with pytest.raises(BadInput, match="scoring 'strict': one of paper, standard"):
        load_pairs("pocket", scoring="strict")


def test_helpsteer2_brings_its_own_criteria(tmp_path):
    write(tmp_path, "helpsteer2/validation.jsonl.gz", HELPSTEER2)
    assert all("verbosity" in pair.criteria for pair in load_pairs("helpsteer2", tmp_path))


def test_a_vote_on_turn_one_sees_one_turn(tmp_path):
    write(tmp_path, "mt_bench/human_judgments.jsonl", MTBENCH)
    turns = {pair.subset: len(pair.questions) for pair in load_pairs("mtbench_human", tmp_path)}
    assert turns == {"turn1": 1, "turn2": 2}


def test_a_smaller_limit_draws_from_a_larger_ones_pairs():
    drawn = [[pair.id for pair in load_pairs("pocket", limit=limit, seed=3)] for limit in (5, 20, 20)]
    assert set(drawn[0]) < set(drawn[1])
    assert drawn[1] == drawn[2] != [pair.id for pair in load_pairs("pocket", limit=20, seed=4)]
    assert drawn[1] == [pair.id for pair in load_pairs("pocket") if pair.id in drawn[1]]


def test_offline_and_without_the_file_one_error_says_what_to_download(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(DataMissing) as error:
        load_pairs("helpsteer2", tmp_path)
    assert all(part in str(error.value) for part in ("nvidia/HelpSteer2", "validation", str(tmp_path), "CCE_DATA"))


PARTS = [part for found in SOURCES.values() for part in (found.values() if isinstance(found, dict) else [found])]


def test_every_published_data_set_has_a_source():
    further = {"mt_bench_questions", "mt_bench_references", "alpaca_eval", "df_gamed", "lima", "tulu3_sft"}
    further |= {"mtbench_gpt4"}
    assert set(SOURCES) == BENCHMARKS.keys() | further


@pytest.mark.parametrize("source", PARTS, ids=lambda source: f"{source.hub} {source.path or source.split}")
def test_every_data_set_is_asked_of_the_hub_at_a_named_revision(monkeypatch, source):
    def hub(name, *path, revision, **_):
        raise ConnectionError if (name, revision) == (source.hub, source.revision) else AssertionError

    monkeypatch.delenv("CCE_DATA", raising=False)
    monkeypatch.setattr("datasets.load_dataset", hub)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", hub)
    with pytest.raises(DataMissing, match="the hub gave nothing .ConnectionError"):
        find_rows(source, None)
    # No commit of these is known; the first four hold no data on the hub anyway.
    unknown = {"princeton-nlp/LLMBar", "WeOpenML/PandaLM", "GAIR-NLP/auto-j", "i-Eval/FairEval"}
    unknown |= {"allenai/reward-bench-2", "DonJoey/rubricbench", "THU-KEG/RM-Bench"}
    unknown |= {"Salesforce/ContextualJudgeBench"}
    assert re.fullmatch("[0-9a-f]{40}", source.revision) or source.hub in unknown
    assert source.revision


def letters(rows, seed, scoring):
    """A benchmark from outside the package: the answer with more letters is the better one."""
    for place, row in enumerate(rows):
        label = "A" if len(row["one"]) > len(row["two"]) else "B"
        yield Pair(id=str(place), instruction=row["ask"], answer_a=row["one"], answer_b=row["two"], label=label)


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setattr("cce.benchmarks.REGISTERED", {})
    register("letters", Benchmark(Source("me/letters", "test", r"letters.*test"), letters))


@pytest.mark.usefixtures("registered")
class TestRegister:
    """Benchmarks from outside the package."""

    ROWS = [{"ask": f"Say {n}.", "one": "x" * n, "two": "y" * 3} for n in range(8)]

    def test_a_registered_benchmark_is_loaded_as_the_kits_own_are(self, tmp_path):
        write(tmp_path, "letters/test.jsonl", self.ROWS)
        pairs = load_pairs("letters", tmp_path)
        assert "".join(pair.label for pair in pairs) == "BBBBAAAA"
        assert {pair.benchmark for pair in pairs} == {"letters"}
        assert len(load_pairs("letters", tmp_path, limit=3)) == 3
        assert load_pairs("letters", tmp_path, shard="2/2") == pairs[1::2]

    def test_a_strange_row_of_it_is_named(self, tmp_path):
        write(tmp_path, "letters/test.jsonl", [*self.ROWS, {"ask": "Say it."}])
        with pytest.raises(BadInput, match="letters: a row lacks a field.*'one'"):
            load_pairs("letters", tmp_path)

    def test_its_subsets_may_have_files_of_their_own(self, tmp_path):
        def named(rows, seed, scoring):
            return letters([row | {"ask": row["subset"]} for row in rows], seed, scoring)

        sources = {name: Source("me/letters", name, rf"letters.*{name}") for name in ("long", "short")}
        register("letters", Benchmark(sources, named))
        for name in sources:
            write(tmp_path, f"letters/{name}.jsonl", self.ROWS[:2])
        asked = [pair.instruction for pair in load_pairs("letters", tmp_path)]
        assert asked == ["long", "long", "short", "short"]

    def test_it_is_among_the_known_names_and_takes_none_of_them(self):
        with pytest.raises(BadInput, match="tulu3_preference, letters, pocket, pocket_train, or the path"):
            load_pairs("lettrs")
        for name in ("judgebench", "pocket"):
            with pytest.raises(BadInput, match=f"benchmark '{name}': the kit has one of this name"):
                register(name, BENCHMARKS["judgebench"])


def test_the_papers_five_are_known_in_its_order():
    assert PUBLISHED == ("rewardbench", "helpsteer2", "mtbench_human", "judgebench", "evalbias")
    assert [name for name in BENCHMARKS if name in PUBLISHED] == list(PUBLISHED)


GOOD = {"id": "1", "instruction": "?", "answer_a": "x", "answer_b": "y", "label": "A"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([GOOD, {**GOOD, "id": "2", "label": "C"}], "row 2: label: .*'A', 'B' or 'tie'"),
        ([{k: v for k, v in GOOD.items() if k != "answer_b"}], "row 1: needs instruction, answer_a and answer_b"),
        ([{k: v for k, v in GOOD.items() if k != "id"}], "row 1: id: Field required"),
        ([GOOD, GOOD], "the id '1' stands twice"),
        ([], "holds no pairs"),
        ([{"id": "1", "conversation_a": TALK, "conversation_b": TALK[:2]}], "same user turns"),
        ([{"id": "1", "conversation_a": TALK[:1], "conversation_b": TALK[:1]}], "goes user, assistant"),
        ([["not", "an", "object"]], "an object with the fields of Pair"),
    ],
)
def test_a_bad_file_of_pairs_is_named_with_row_and_field(tmp_path, rows, message):
    write(tmp_path, "mine.jsonl", rows)
    with pytest.raises(BadInput, match=rf"mine\.jsonl.*{message}"):
        load_pairs(str(tmp_path / "mine.jsonl"))


@pytest.mark.parametrize(
    ("name", "message"),
    [("rewardbnch", "unknown benchmark"), ("nowhere.jsonl", "no such file"), ("notes.txt", r"give a \.json")],
)
def test_a_bad_name_is_refused(name, message):
    with pytest.raises(BadInput, match=message):
        load_pairs(name)


def test_a_broken_line_is_named(tmp_path):
    (tmp_path / "mine.jsonl").write_text(json.dumps(GOOD) + "\n{oops\n")
    with pytest.raises(BadInput, match="line 2: not JSON"):
        load_pairs(str(tmp_path / "mine.jsonl"))


def test_a_label_may_be_missing_and_a_byte_order_mark_does_no_harm(tmp_path):
    row = {k: v for k, v in GOOD.items() if k != "label"}
    (tmp_path / "mine.jsonl").write_text("\ufeff" + json.dumps(row), encoding="utf-8")
    assert load_pairs(str(tmp_path / "mine.jsonl"))[0].label is None


@pytest.mark.parametrize(("kind", "empty"), [("csv", ""), ("parquet", None), ("jsonl", None)])
def test_an_empty_cell_is_no_label(tmp_path, kind, empty):
    write(tmp_path, f"mine.{kind}", [{**GOOD, "label": empty}])
    assert load_pairs(str(tmp_path / f"mine.{kind}"))[0].label is None


class TestPairFile:
    """A whole .jsonl file of pairs, which stays on the disk."""

    LINES = {
        "as it is": ("", "\n"),
        "after a byte order mark": ("\ufeff", "\n"),
        "with blank lines": ("\n \n", "\n\n\u3000\n"),
        "with Windows's ends of lines": ("", "\r\n"),
        "with an old Mac's": ("", "\r"),
    }

    def written(self, folder, before="", between="\n", rows=5) -> str:
        rows = [GOOD | {"id": str(n), "answer_a": f"\u2028 \u00e9 {n} \U0001f600"} for n in range(rows)]
        text = before + between.join(json.dumps(row, ensure_ascii=n % 2 == 0) for n, row in enumerate(rows))
        (folder / "mine.jsonl").write_bytes(text.encode())
        return str(folder / "mine.jsonl")

    @pytest.mark.parametrize("form", LINES)
    def test_its_pairs_are_those_of_a_list(self, tmp_path, form):
        name = self.written(tmp_path, *self.LINES[form])
        pairs, listed = load_pairs(name), load_pairs(name, limit=99)
        assert isinstance(pairs, PairFile)
        assert isinstance(listed, list)
        assert [*pairs] == listed == [pairs[place] for place in range(len(pairs))]
        assert (pairs[-1], pairs[1:3], pairs[::-2], pairs[9:]) == (listed[-1], listed[1:3], listed[::-2], [])
        assert {pair.benchmark for pair in pairs} == {"mine.jsonl"}
        assert str(pairs) == f"<5 pairs in {name}>"
        with pytest.raises(IndexError):
            pairs[5]

    def test_it_is_read_again_wherever_the_process_has_gone(self, tmp_path, monkeypatch):
        monkeypatch.chdir(Path(self.written(tmp_path)).parent)
        pairs = load_pairs("mine.jsonl")
        monkeypatch.chdir("/")
        assert [pair.id for pair in pairs] == list("01234")

    def test_it_holds_no_pairs_in_memory(self, tmp_path):
        name = self.written(tmp_path, rows=5000)
        tracemalloc.start()
        pairs = load_pairs(name)
        held, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(pairs) == 5000
        assert held < 200_000 < os.path.getsize(name)
        assert most < 700_000

    def test_a_file_that_changed_meanwhile_is_named(self, tmp_path):
        pairs = load_pairs(self.written(tmp_path))
        self.written(tmp_path, rows=6)
        for read in (lambda: pairs[0], lambda: [*pairs], lambda: pairs[:2]):
            with pytest.raises(BadInput, match=r"mine\.jsonl: has changed since its pairs were loaded"):
                read()
        (tmp_path / "mine.jsonl").unlink()
        with pytest.raises(BadInput, match="there is no such file"):
            pairs[0]

    def test_of_several_faults_the_same_is_named_as_in_a_list(self, tmp_path):
        bad = [json.dumps(GOOD), json.dumps(GOOD), json.dumps(GOOD | {"label": "C"})]
        for lines, message in ((bad, "row 3: label"), ([*bad, "{oops"], "line 4: not JSON"), (bad[:2], "stands twice")):
            (tmp_path / "mine.jsonl").write_text("\n".join(lines))
            for limit in (None, 1):
                with pytest.raises(BadInput, match=message):
                    load_pairs(str(tmp_path / "mine.jsonl"), limit=limit)

    def test_ids_of_one_hash_are_not_taken_for_one_id(self, tmp_path, monkeypatch):
        monkeypatch.setattr("cce.benchmarks.pair_file.hash", len, raising=False)
        assert len(load_pairs(self.written(tmp_path))) == 5


def test_a_users_file_is_never_taken_for_a_published_benchmark(tmp_path):
    write(tmp_path, "judgebench.jsonl", [GOOD])
    assert load_pairs(str(tmp_path / "judgebench.jsonl"))[0].benchmark == "judgebench.jsonl"


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "mine.jsonl").write_bytes(json.dumps(GOOD).encode() + "\n\u00e9".encode("latin-1"))
    (tmp_path / "mine.jsonl.gz").write_text(json.dumps(GOOD))
    for name in ("mine.jsonl", "mine.jsonl.gz"):
        with pytest.raises(BadInput, match=rf"{name}(, line 2: not UTF-8 text|: not gzipped)"):
            load_pairs(str(tmp_path / name))


def test_a_published_file_with_a_strange_row_is_named(tmp_path):
    write(tmp_path, "offsetbias/train.json", [{**OFFSETBIAS[0], "label": 3}])
    with pytest.raises(BadInput, match="evalbias: a row lacks a field"):
        load_pairs("evalbias", tmp_path)


@pytest.mark.parametrize(
    ("benchmark", "count", "a_better"),
    [("rewardbench", 2448, None), ("mtbench_human", 2575, 1293), ("judgebench", 350, 193), ("evalbias", 1000, 504)],
)
@pytest.mark.skipif("CCE_DATA" not in os.environ, reason="needs the published files, in the folder CCE_DATA")
def test_the_published_files_load_with_their_counts(benchmark, count, a_better):
    pairs = load_pairs(benchmark)
    assert len(pairs) == count
    assert a_better in (None, sum(pair.label == "A" for pair in pairs))


class TestPocket:
    """The pairs that ship with the kit."""

    def test_it_is_large_enough_and_shares_nothing_with_its_training_part(self):
        pairs, train = load_pairs("pocket"), load_pairs("pocket_train")
        kinds = Counter(pair.subset for pair in pairs)
        assert len(pairs) >= 96
        assert len(train) >= 160
        assert len(kinds) == 6
        assert min(kinds.values()) >= 16
        texts = [
            {text for pair in part for text in (pair.instruction, pair.answer_a, pair.answer_b)}
            for part in (pairs, train)
        ]
        assert not texts[0] & texts[1]
        assert len({pair.instruction for pair in pairs + train}) == len(pairs) + len(train)

    @pytest.mark.parametrize("part", ["pocket", "pocket_train"])
    def test_neither_side_nor_length_gives_the_label_away_in_any_kind(self, part):
        for kind, group in pd.DataFrame(pair.model_dump() for pair in load_pairs(part)).groupby("subset"):
            longer = (group.answer_a.str.len() > group.answer_b.str.len()).map({True: "A", False: "B"})
            assert 0.4 <= (longer == group.label).mean() <= 0.6, kind
            assert 0.4 <= (group.label == "A").mean() <= 0.6, kind

    @pytest.mark.parametrize("part", ["pocket", "pocket_train"])
    def test_answers_have_20_to_80_words_and_every_label_its_reason(self, part):
        for pair in load_pairs(part):
            assert 20 <= len(pair.answer_a.split()) <= 80
            assert 20 <= len(pair.answer_b.split()) <= 80
            assert len(pair.why.split()) >= 6
