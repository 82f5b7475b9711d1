"""Pair sets outside the paper's Table 1: LLMBar in five files, and the TULU-3 preferences for training judges."""

import os
from collections import Counter

import pytest

from cce import Pair, load_pairs
from cce.benchmarks.further import rm_bench
from cce.benchmarks.sources import SOURCES, find_rows
from cce.errors import BadInput, DataMissing
from tests.test_benchmarks import write

LLMBAR = [{"input": f"Do {n}.", "output_1": "one", "output_2": "two", "label": 1 + n % 2} for n in range(3)]
PUBLISHED = ["Natural", *(f"Adversarial/{name}" for name in ("Neighbor", "GPTInst", "GPTOut", "Manual"))]
KEPT = ["natural", "adv_neighbor", "adv_gptinst", "adv_gptout", "adv_manual"]
TULU3 = "llama-3.1-tulu-3-8b-preference-mixture/data/train-00000-of-00001"


def talk(*said: str) -> list[dict[str, str]]:
    """Turns of user and assistant in turn."""
    return [{"content": text, "role": ("user", "assistant")[n % 2]} for n, text in enumerate(said)]


def preference(n: int, *before: str, chosen="good", rejected="bad") -> dict:
    """A row as published: two conversations that differ in the last answer."""
    said = [*before, f"Question {n}?"]
    row = {"id": f"r{n}", "prompt": said[0], "source": "ai2-adapt-dev/some", "chosen": talk(*said, chosen)}
    return row | {"rejected": talk(*said, rejected)}


@pytest.mark.parametrize("layout", [[f"Dataset/LLMBar/{name}/dataset" for name in PUBLISHED], KEPT])
def test_llmbar_is_read_from_its_five_files_as_published_or_renamed(tmp_path, layout):
    folder = tmp_path / "LLMBar"
    for name in [*layout, "processed_mtbench", "Dataset/CaseStudy/Normal/dataset"]:
        write(folder, f"{name}.json", LLMBAR)
    pairs = load_pairs("llmbar", folder)
    subsets = ["natural", *(f"adversarial/{name}" for name in ("neighbor", "gptinst", "gptout", "manual"))]
    assert Counter(pair.subset for pair in pairs) == dict.fromkeys(subsets, 3)
    assert [pair.id for pair in pairs[:4]] == ["natural-0", "natural-1", "natural-2", "adversarial/neighbor-0"]
    assert "".join(pair.label for pair in pairs) == "ABA" * 5
    assert {(pair.benchmark, pair.answer_a, pair.answer_b) for pair in pairs} == {("llmbar", "one", "two")}


def test_llmbar_without_one_of_its_files_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    for name in KEPT[:-1]:
        write(tmp_path, f"llmbar/{name}.json", LLMBAR)
    with pytest.raises(DataMissing, match="princeton-nlp/LLMBar, split Adversarial_Manual"):
        load_pairs("llmbar", tmp_path)


def test_llmbar_with_a_third_label_is_not_as_published(tmp_path):
    write(tmp_path, "llmbar/natural.json", [LLMBAR[0] | {"label": 3}])
    for name in KEPT[1:]:
        write(tmp_path, f"llmbar/{name}.json", LLMBAR)
    with pytest.raises(BadInput, match="llmbar: a row lacks a field, or holds a value unknown there"):
        load_pairs("llmbar", tmp_path)


@pytest.mark.skipif("CCE_DATA" not in os.environ, reason="needs the published files, in the folder CCE_DATA")
def test_the_published_llmbar_has_419_pairs():
    pairs = load_pairs("llmbar")
    assert [*Counter(pair.subset for pair in pairs).values()] == [100, 134, 92, 47, 46]
    assert sum(pair.label == "A" for pair in pairs) == 206
    drawn = [pair.id for pair in load_pairs("llmbar", limit=50)]
    assert drawn == [pair.id for pair in pairs if pair.id in set(drawn)]
    assert len({pair.subset for pair in pairs if pair.id in set(drawn)}) == 5


@pytest.mark.parametrize("kind", ["json", "jsonl", "jsonl.gz", "parquet"])
def test_tulu3_preferences_get_sides_by_the_seed_and_stay_labelled(tmp_path, kind):
    write(tmp_path, f"{TULU3}.{kind}", [preference(n) for n in range(40)])
    first, again, other = (load_pairs("tulu3_preference", tmp_path, seed=seed) for seed in (0, 0, 1))
    assert first == again != other
    assert 10 < sum(pair.label == "A" for pair in first) < 30
    assert all((pair.answer_a if pair.label == "A" else pair.answer_b) == "good" for pair in first + other)
    assert {(pair.benchmark, pair.subset) for pair in first} == {("tulu3_preference", "ai2-adapt-dev/some")}
    assert first[7].instruction == "Question 7?"


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_longer_tulu3_row_becomes_two_conversations(tmp_path, kind):
    rows = [preference(n, "Hello?", "Hello.") for n in range(20)]
    write(tmp_path, f"{TULU3}.{kind}", rows)
    pairs = load_pairs("tulu3_preference", tmp_path)
    assert {pair.questions[0] for pair in pairs} == {"Hello?"}
    assert {pair.label for pair in pairs} == {"A", "B"}
    for pair in pairs:
        better, worse = (pair.answers_a, pair.answers_b) if pair.label == "A" else (pair.answers_b, pair.answers_a)
        assert (better, worse) == (("Hello.", "good"), ("Hello.", "bad"))


ODD = {
    "equal answers": (talk("One?", "good"), talk("One?", "good")),
    "an empty answer": (talk("One?", "good"), talk("One?", "")),
    "an empty question": (talk("", "good"), talk("", "bad")),
    "unlike questions": (talk("One?", "good"), talk("Two?", "bad")),
    "unlike earlier answers": (talk("Hi?", "Hi.", "One?", "good"), talk("Hi?", "What?", "One?", "bad")),
    "no answer": (talk("One?"), talk("Two?")),
    "no messages": ([], []),
    "a system message": tuple([{"role": "system", "content": "Short."}, *talk("One?", end)] for end in ("good", "bad")),
}


@pytest.mark.parametrize("odd", ODD)
def test_a_tulu3_row_that_makes_no_pair_is_left_out_and_moves_no_other(tmp_path, odd):
    row = preference(1) | dict(zip(("chosen", "rejected"), ODD[odd], strict=True))
    write(tmp_path, f"{TULU3}.jsonl", [preference(0), row, preference(2)])
    assert [pair.id for pair in load_pairs("tulu3_preference", tmp_path)] == ["0", "2"]


def test_a_limit_draws_from_the_rows_that_make_a_pair(tmp_path):
    equal = preference(0, chosen="alike", rejected="alike")
    write(tmp_path, f"{TULU3}.jsonl", [equal, *map(preference, range(1, 60))])
    few, many = ([pair.id for pair in load_pairs("tulu3_preference", tmp_path, limit=n)] for n in (10, 30))
    assert (len(few), len(many)) == (10, 30)
    assert set(few) < set(many)
    assert few == sorted(few, key=int)
    assert len(load_pairs("tulu3_preference", tmp_path, limit=1000)) == 59


def test_a_tulu3_row_without_its_answers_is_not_as_published(tmp_path):
    write(tmp_path, f"{TULU3}.jsonl", [{"prompt": "One?", "source": "s", "chosen": talk("One?", "good")}])
    with pytest.raises(BadInput, match="tulu3_preference: a row lacks a field.*'rejected'"):
        load_pairs("tulu3_preference", tmp_path)


FURTHER = {
    "pandalm": (
        "pandalm/testset-v1.json",
        [
            {"idx": 0, "cmp_key": "x_y", "instruction": "Add.", "input": "1 and 2", "response1": "3", "response2": "4"}
            | {"annotator1": 1, "annotator2": 0, "annotator3": 1},
            {
                "idx": 1,
                "cmp_key": "x_y",
                "instruction": "Why?",
                "input": float("nan"),
                "response1": "a",
                "response2": "b",
            }
            | {"annotator1": 2, "annotator2": 0, "annotator3": 1},
        ],
        ["A", "tie"],
    ),
    "autoj": (
        "auto-j/testdata_pairwise.jsonl",
        [{"scenario": "s", "label": n, "prompt": f"Why {n}?", "response 1": "a", "response 2": "b"} for n in range(3)],
        ["A", "B", "tie"],
    ),
    "rubricbench": (
        "rubricbench/train.jsonl",
        [
            {"case_id": f"c{n}", "instruction": "Why?", "response_a": "a", "response_b": "b", "label": n}
            | {"rubrics": "Is it so?", "domain": "stem", "source": "s"}
            for n in range(2)
        ],
        ["A", "B"],
    ),
    "judgebench_claude": (
        "judgebench/claude.jsonl",
        [{"pair_id": "x", "question": "Why?", "response_A": "a", "response_B": "b", "label": "B>A", "source": "s"}],
        ["B"],
    ),
}


@pytest.mark.parametrize("name", FURTHER)
def test_a_further_set_is_read_by_its_published_schema(name, tmp_path):
    file, rows, labels = FURTHER[name]
    write(tmp_path, file, rows)
    pairs = load_pairs(name, tmp_path)
    assert [pair.label for pair in pairs] == labels
    assert {pair.benchmark for pair in pairs} == {name}


def test_pandalms_votes_and_inputs_are_kept(tmp_path):
    write(tmp_path, *FURTHER["pandalm"][:2])
    first, second = load_pairs("pandalm", tmp_path)
    assert (first.instruction, first.votes) == ("Add.\n\n1 and 2", ("A", "tie", "A"))
    assert (second.instruction, second.votes) == ("Why?", ("B", "tie", "A"))


FAIREVAL = {
    "question.jsonl": [{"question_id": n, "text": f"Why {n}?", "category": "generic"} for n in (1, 2, 3)],
    "answer/answer_gpt35.jsonl": [{"question_id": n, "text": f"gpt35 {n}"} for n in (3, 1, 2)],
    "answer/answer_vicuna-13b.jsonl": [{"question_id": n, "text": f"vicuna {n}"} for n in (1, 2, 3)],
}


def faireval(folder, verdicts: str) -> None:
    for name, rows in FAIREVAL.items():
        write(folder, f"FairEval/{name}", rows)
    # Others lie there as well.
    write(folder, "FairEval/answer/answer_gpt-4.jsonl", FAIREVAL["answer/answer_gpt35.jsonl"])
    (folder / "FairEval/review").mkdir()
    (folder / "FairEval/review/review_gpt35_vicuna-13b_human.txt").write_text(verdicts)


def test_faireval_is_read_from_its_four_files(tmp_path):
    faireval(tmp_path, "CHATGPT\nTIE\nVICUNA13B\n\n")
    pairs = load_pairs("faireval", tmp_path)
    assert [(pair.id, pair.label) for pair in pairs] == [("1", "A"), ("2", "tie"), ("3", "B")]
    assert [(pair.answer_a, pair.answer_b) for pair in pairs] == [(f"gpt35 {n}", f"vicuna {n}") for n in (1, 2, 3)]


@pytest.mark.parametrize("verdicts", ["CHATGPT\nTIE", "CHATGPT\nTIE\nGPT4"])
def test_faireval_with_a_verdict_too_few_or_unknown_is_not_as_published(tmp_path, verdicts):
    faireval(tmp_path, verdicts)
    with pytest.raises(BadInput, match="faireval: a row lacks a field, or holds a value unknown there"):
        load_pairs("faireval", tmp_path)


def test_a_text_file_is_no_file_of_a_users_pairs(tmp_path):
    (tmp_path / "mine.txt").write_text("CHATGPT")
    with pytest.raises(BadInput, match="give a .json, .jsonl, .csv or .parquet file"):
        load_pairs(str(tmp_path / "mine.txt"))


def test_a_rubric_is_what_the_judge_looks_at(tmp_path):
    write(tmp_path, *FURTHER["rubricbench"][:2])
    assert load_pairs("rubricbench", tmp_path)[0].criteria == "Is it so?"
    assert load_pairs("rubricbench_plain", tmp_path)[0].criteria == ""


def test_rewardbench_2_is_three_pairs_an_item_and_no_ties(tmp_path):
    item = {"id": "7", "prompt": "Why?", "chosen": ["good"], "rejected": ["x", "y", "z"], "subset": "Math"}
    ties = item | {"id": "ref:1", "chosen": ["red", "blue"], "subset": "Ties"}
    write(tmp_path, "reward-bench-2/test.jsonl", [item, ties])
    pairs = load_pairs("rewardbench2", tmp_path)
    assert [pair.id for pair in pairs] == ["Math-7-1", "Math-7-2", "Math-7-3"]
    assert all((pair.answer_a if pair.label == "A" else pair.answer_b) == "good" for pair in pairs)


@pytest.mark.parametrize(
    ("votes", "label"), [(["A", "A", "B"], "A"), (["A", "B"], "tie"), (["tie", "tie", "A"], "tie"), (["B"], "B")]
)
def test_a_pairs_label_is_that_of_most_votes(votes, label):
    pair = Pair(id=1, instruction="Why?", answer_a="a", answer_b="b", votes=votes)
    assert (pair.label, pair.votes) == (label, tuple(votes))
    assert Pair(id=1, instruction="Why?", answer_a="a", answer_b="b", votes=votes, label="B").label == "B"


def test_rm_bench_is_nine_pairs_an_item_in_three_levels(tmp_path):
    item = {"id": 8, "prompt": "Why?", "chosen": ["c0", "c1", "c2"], "rejected": ["r0", "r1", "r2"]}
    for domain in ("chat", "code", "math", "safety-refuse", "safety-response"):
        write(tmp_path, f"rm_bench/{domain}_filtered.json", [item])
    pairs = load_pairs("rm_bench", tmp_path)
    assert Counter(pair.subset for pair in pairs if pair.subset.startswith("chat")) == {
        "chat: hard": 3,
        "chat: normal": 3,
        "chat: easy": 3,
    }
    assert len({pair.id for pair in pairs}) == len(pairs) == 45
    hard = next(pair for pair in pairs if pair.id == "chat-8-01")
    assert {hard.answer_a, hard.answer_b} == {"c0", "r1"} and hard.subset == "chat: hard"
    assert (hard.answer_a if hard.label == "A" else hard.answer_b) == "c0"


@pytest.mark.skipif("CCE_DATA" not in os.environ, reason="needs the published files, in the folder CCE_DATA")
def test_the_published_files_of_rm_bench_have_as_many_items_as_they_say():
    counts = {"chat": 129, "code": 228, "safety-refuse": 284, "safety-response": 157}
    for domain, items in counts.items():
        rows = [row | {"subset": domain} for row in find_rows(SOURCES["rm_bench"][domain], None)]
        pairs = list(rm_bench(rows, 0, "paper"))
        assert len(rows) == items and len(pairs) == 9 * items
        assert len({pair.id for pair in pairs}) == len(pairs)


def test_the_context_stands_before_the_question(tmp_path):
    row = {"question": "Why?", "context": "It is so.", "positive_response": "good", "negative_response": "bad"}
    for split in SOURCES["contextual_judgebench"]:
        write(tmp_path, f"ContextualJudgeBench/{split}.jsonl", [row])
    pairs = load_pairs("contextual_judgebench", tmp_path)
    assert len(pairs) == 8 and {pair.instruction for pair in pairs} == {"It is so.\n\nWhy?"}
    assert all((pair.answer_a if pair.label == "A" else pair.answer_b) == "good" for pair in pairs)
