"""MT-Bench: the questions, a model's dialogue, the ratings of its answers, and their table."""

import os
import re
from collections import Counter
from math import log

import pandas as pd
import pytest

from cce.analysis.students import mt_bench_table
from cce.analysis.tables import readable
from cce.benchmarks import REFERENCED, load_questions
from cce.benchmarks.pair import Question
from cce.chat.grading import TEMPERATURES, answer_questions, grade
from cce.crowd.ratings import read_digits, read_rating
from cce.errors import BadInput, DataMissing
from cce.models.ledger import Ledger
from tests.fake_grader import FakeGrader
from tests.fake_server import sections
from tests.test_benchmarks import write

PLAIN = Question(id="w", category="writing", turns=("One?", "Two?"))
CHECKED = Question(id="m", category="math", turns=("1 + 1?", "2 + 2?"), references=("Two.", "Four."))


@pytest.fixture
def server():
    with FakeGrader() as running:
        yield running


def given(*qualities: int, question: Question = PLAIN, model: str = "student", extra: str = "") -> pd.DataFrame:
    """A model's answers of these qualities, one per turn."""
    answers = tuple(f"Answer {turn}: {extra}quality={q}." for turn, q in enumerate(qualities, start=1))
    return pd.DataFrame([{"id": question.id, "model": model, "answers": answers}])


def shown(request: dict) -> dict[str, str]:
    return sections(request["messages"][0]["content"])


class TestQuestions:
    """Published ones and the kit's own."""

    @pytest.mark.skipif("CCE_DATA" not in os.environ, reason="needs the published files, in the folder CCE_DATA")
    def test_all_80_questions_load_with_the_30_reference_answers(self):
        questions = load_questions()
        assert Counter(question.category for question in questions) == dict.fromkeys(TEMPERATURES, 10)
        assert [question.id for question in questions] == [str(number) for number in range(81, 161)]
        assert {len(question.turns) for question in questions} == {2}
        assert {question.category for question in questions if question.references} == set(REFERENCED)
        assert sum(bool(question.references) for question in questions) == 30

    def test_a_reference_belongs_to_its_question_and_only_to_three_categories(self, tmp_path):
        asked = [
            {"question_id": number, "category": category, "turns": [f"{number}?", "And?"]}
            for number, category in enumerate(["writing", "math", "coding"], start=81)
        ]
        known = [{"question_id": n, "choices": [{"turns": [f"of {n}", f"again {n}"]}]} for n in (83, 82, 81)]
        write(tmp_path, "mt_bench/question.jsonl", asked)
        write(tmp_path, "mt_bench/reference_answer/gpt-4.jsonl", known)
        write(tmp_path, "mt_bench/reference_answer/gpt-4-0125-preview.jsonl", known)
        references = [question.references for question in load_questions(data_dir=tmp_path)]
        assert references == [(), ("of 82", "again 82"), ("of 83", "again 83")]

    def test_a_missing_reference_answer_is_named(self, tmp_path):
        write(tmp_path, "mt_bench/question.jsonl", [{"question_id": 111, "category": "math", "turns": ["?", "?"]}])
        write(tmp_path, "mt_bench/reference_answer/gpt-4.jsonl", [])
        with pytest.raises(BadInput, match="mt_bench: a row lacks .* its reference answer .111"):
            load_questions(data_dir=tmp_path)

    def test_offline_and_without_the_file_one_error_says_what_to_download(self, tmp_path, monkeypatch):
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        with pytest.raises(DataMissing, match=r"lmsys/mt-bench, file .*gpt-4\.jsonl: not found"):
            load_questions(data_dir=tmp_path)

    def test_a_limit_and_a_bad_name(self):
        drawn = [{question.id for question in load_questions("pocket_talk", limit=limit)} for limit in (3, 9)]
        assert drawn[0] < drawn[1]
        with pytest.raises(BadInput, match="unknown questions 'mtbench': mt_bench or pocket_talk"):
            load_questions("mtbench")
        with pytest.raises(BadInput, match="limit 0: at least one of the questions"):
            load_questions("pocket_talk", limit=0)

    def test_pocket_talk_has_two_questions_per_category_and_references_where_mt_bench_has(self):
        questions = load_questions("pocket_talk")
        assert Counter(question.category for question in questions) == dict.fromkeys(TEMPERATURES, 2)
        assert {len(question.turns) for question in questions} == {2}
        assert {q.id for q in questions if q.references} == {q.id for q in questions if q.category in REFERENCED}

    def test_the_code_of_its_reference_answers_does_what_its_questions_ask(self):
        code = [re.search(r"```python\n(.*?)```", text, re.S)[1] for text in coded_references()]
        names: dict = {}
        for part in code[:2]:
            exec(part, names)
        assert names["runs"]("aabccc") == [("a", 2), ("b", 1), ("c", 3)]
        assert names["runs"]("") == []
        assert names["unruns"](names["runs"]("aabccc")) == "aabccc"
        assert names["runs"](names["unruns"]([("a", 1), ("a", 2)])) == [("a", 3)]
        for part in code[2:]:
            exec(part, names)
            numbers = [3, 5, 5]
            assert names["second"](numbers) == 3
            assert numbers == [3, 5, 5]
            assert names["second"]([-2, -1, -3]) == -2
            for too_few in ([], [4], [2, 2]):
                with pytest.raises(ValueError):
                    names["second"](too_few)

    def test_the_numbers_of_its_reference_answers_are_right(self):
        ten = [str(number) for number in range(100, 1000) if sum(map(int, str(number))) == 4]
        count, even = {q.id: q.references for q in load_questions("pocket_talk")}["math-2"]
        assert re.findall(r"\d+", count) == ["10", *ten]
        assert re.findall(r"\d+", even) == ["6", *(number for number in ten if int(number) % 2 == 0)]


def coded_references() -> list[str]:
    return [text for q in load_questions("pocket_talk") if q.category == "coding" for text in q.references]


class TestDialogue:
    """A model answers all turns."""

    def test_each_turn_sees_the_models_own_earlier_answers(self, server):
        frame = answer_questions([PLAIN], server.model("crowd-5"))
        first, second = (request["messages"] for request in server.requests)
        assert [message["content"] for message in first] == ["One?"]
        assert [message["role"] for message in second] == ["user", "assistant", "user"]
        assert second[1]["content"] == frame.answers[0][0]
        assert frame[["id", "category", "model"]].iloc[0].tolist() == ["w", "writing", server.model("crowd-5")]
        assert frame.calls.tolist() == [2]

    def test_the_temperature_goes_by_category(self, server):
        asked = [Question(id=name, category=name, turns=("?" + name,)) for name in [*TEMPERATURES, "koala"]]
        answer_questions(asked, server.model("crowd-5"))
        used = {request["messages"][0]["content"][1:]: request["temperature"] for request in server.requests}
        assert used == TEMPERATURES | {"koala": 0.7}

    def test_another_seed_gives_other_answers_and_a_rerun_asks_nothing(self, server, tmp_path):
        def answers(seed: int) -> list:
            model = server.model("crowd-5")
            return answer_questions([PLAIN, CHECKED], model, store=tmp_path / "s.sqlite", seed=seed).answers.tolist()

        assert answers(0) == answers(0) != answers(1)
        assert len(server.requests) == 8

    def test_what_overflows_the_context_is_shortened_and_counted(self):
        with FakeGrader(context=900) as server:
            frame = answer_questions([Question(id="x", turns=("long " * 400,)), PLAIN], server.model("crowd-5"))
        assert frame.context_cuts.tolist() == [1, 0]

    def test_nothing_to_answer_is_refused(self, server):
        with pytest.raises(BadInput, match="questions: at least one"):
            answer_questions([], server.model("crowd-5"))


class TestGrading:
    """A judge rates every answer."""

    def test_planted_qualities_are_the_ratings_and_every_row_says_whose(self, server):
        answers = pd.concat([given(3, 8), given(7, 2, question=CHECKED)])
        frame = grade([PLAIN, CHECKED], answers, server.model("grader"))
        assert frame[["id", "category", "turn", "rating"]].values.tolist() == [
            ["w", "writing", 1, 3],
            ["w", "writing", 2, 8],
            ["m", "math", 1, 7],
            ["m", "math", 2, 2],
        ]
        assert set(frame.judge) == {server.model("grader")}
        assert set(frame.model) == {"student"}
        assert (frame.calls == 1).all()
        assert (frame.prompt_tokens == 10).all()
        assert frame.text[0] == "Fair.\nRating: [[3]]"
        assert {request["temperature"] for request in server.requests} == {0}

    def test_the_first_turn_is_rated_alone_and_the_second_with_both_in_view(self, server):
        grade([PLAIN], given(3, 8), server.model("grader"))
        first, second = sorted(map(shown, server.requests), key=len)
        assert list(first) == ["The user's question", "The assistant's answer", "End"]
        assert [second[f"The user's question, turn {turn}"] for turn in (1, 2)] == ["One?", "Two?"]
        assert [second[f"The assistant's answer, turn {turn}"] for turn in (1, 2)] == [
            "Answer 1: quality=3.",
            "Answer 2: quality=8.",
        ]

    def test_reference_answers_are_shown_where_the_question_has_them_and_those_of_later_turns_never(self, server):
        answers = pd.concat([given(3, 8), given(7, 2, question=CHECKED)])
        grade([PLAIN, CHECKED], answers, server.model("grader"))
        seen = [{t: text for t, text in shown(r).items() if t.startswith("Reference")} for r in server.requests]
        assert sorted(seen, key=len) == [
            {},
            {},
            {"Reference answer": "Two."},
            {"Reference answer, turn 1": "Two.", "Reference answer, turn 2": "Four."},
        ]
        named = ["reference answer" in request["messages"][0]["content"] for request in server.requests]
        assert named == [bool(titles) for titles in seen]

    def test_answers_from_a_file_whose_ids_became_numbers_are_graded(self, server):
        question = Question(id="81", category="writing", turns=("One?",))
        frame = grade([question], given(3, question=question).astype({"id": int}), server.model("grader"))
        assert frame[["id", "rating"]].values.tolist() == [["81", 3]]

    def test_a_rating_inside_an_answer_is_not_taken_for_the_judges(self, server):
        frame = grade([PLAIN], given(3, 4, extra="[[10]] Rating: [[ 9.5 ]] "), server.model("quoting"))
        assert frame.rating.tolist() == [3, 4]

    def test_a_rating_in_single_brackets_is_read_and_none_is_counted_as_none(self, server):
        assert grade([PLAIN], given(3, 8), server.model("single")).rating.tolist() == [3, 8]
        assert grade([PLAIN], given(3, 8), server.model("mute")).rating.isna().all()

    def test_a_distribution_is_read_as_the_mean_of_its_digits(self, server):
        frame = grade([PLAIN], given(3, 8), server.model("mute"), verdict="distribution", max_tokens=7)
        assert frame.rating.tolist() == pytest.approx([3.25, 8.25])
        assert (frame.calls == 2).all()
        rated = [request for request in server.requests if request["kind"] == "rating"]
        assert {(r["max_tokens"], r["top_logprobs"], r["messages"][1]["content"]) for r in rated} == {(1, 20, "Fair.")}
        assert {r["max_tokens"] for r in server.requests if r["kind"] == "grade"} == {7}

    def test_a_rerun_asks_nothing(self, server, tmp_path):
        def graded() -> pd.DataFrame:
            return grade([PLAIN], given(3, 8), server.model("grader"), store=tmp_path / "s.sqlite")

        assert graded().equals(graded())
        assert len(server.requests) == 2

    @pytest.mark.parametrize(("verdict", "most"), [("text", 10), ("distribution", 9)])
    def test_a_dry_run_reads_ratings_though_nobody_answers(self, server, tmp_path, verdict, most):
        options = {"verdict": verdict, "dry_run": Ledger()}
        asked = [PLAIN, CHECKED]
        answers = answer_questions(asked, server.model("crowd-5"), **options)
        frame = grade(asked, answers, server.model("grader"), **options)
        assert frame.rating.between(1, most).all()
        assert frame.rating.nunique() == 4
        assert not server.requests

    def test_what_overflows_the_context_is_shortened_and_counted(self):
        with FakeGrader(context=2500) as server:
            frame = grade([PLAIN], given(3, 8, extra="x" * 4000), server.model("grader"))
        assert frame.context_cuts.tolist() == [1, 1]
        assert frame.rating.tolist() == [3, 8]

    @pytest.mark.parametrize(
        ("answers", "message"),
        [
            (given(3, 8, question=CHECKED), "answers of student: not one to each question given, as 'm' shows"),
            (pd.concat([given(3, 8), given(3, 8)]), "not one to each question given, as 'w' shows"),
            (given(3), "answers of student to 'w': 1 for 2 turns"),
        ],
    )
    def test_answers_that_do_not_fit_the_questions_are_refused_before_anything_is_sent(self, server, answers, message):
        with pytest.raises(BadInput, match=message):
            grade([PLAIN], answers, server.model("grader"))
        assert not server.requests

    def test_the_embedded_model_in_words_is_warned_of(self):
        with pytest.warns(UserWarning, match='verdict="distribution"'), pytest.raises(BadInput):
            grade([PLAIN], given(3), "embedded")

    def test_the_bar_says_grading_and_the_bill_closes_it(self, server, monkeypatch, capsys):
        monkeypatch.setenv("CCE_PROGRESS", "1")
        grade([PLAIN], given(3, 8), server.model("grader"))
        said = capsys.readouterr().err
        assert "grading: 100%" in said
        assert said.splitlines()[-1].startswith("2 requests sent, 0 from the store")


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        ("Rating: [[7]]", 7),
        ("I say [[6.5]], though [[9]] was near.", 6.5),
        ("Rating: [8]", 8),
        ("See [3] and then: [[4]]", 4),
        ("Of the answer's [ [9] ] nothing remains.", None),
        ("Rating: [[0]]", None),
        ("Rating: [[11]]", None),
        ("[[" + "9" * 9000 + "]]", None),
        ("Rating: 7", None),
        ("[[A]]", None),
        ("", None),
    ],
)
def test_a_rating_is_read_as_mt_bench_reads_it_if_it_is_on_the_scale(text, rating):
    assert read_rating(text) == rating


def test_digits_are_weighted_with_their_probabilities_and_missing_ones_have_the_least():
    listed = {"2": log(0.5), " 2": log(0.1), "9": log(0.2), "10": log(0.1), "A": log(0.1 - 1e-12), "B": log(1e-12)}
    assert read_digits(listed) == pytest.approx((2 * 0.6 + 9 * 0.2) / 0.8)
    assert read_digits({"9": log(0.6), "A": log(0.1)}) == pytest.approx((9 * 0.6 + 36 * 0.1) / (0.6 + 8 * 0.1))
    assert read_digits({"A": -1.0, "0": -2.0, "10": -1.0}) is None
    assert read_digits(None) is None


def rated(model: str, category: str, ratings: list[tuple[float, float]]) -> pd.DataFrame:
    """Grades of one category, two turns per question."""
    place = {"judge": "j@http://x", "model": model, "category": category}
    return pd.DataFrame(
        place | {"id": f"{category}-{number}", "turn": turn, "rating": rating}
        for number, pair in enumerate(ratings)
        for turn, rating in enumerate(pair, start=1)
    )


class TestTable:
    """Means by category, turn and over all."""

    def test_means_and_unreadable_ones_by_category_turn_and_over_all(self):
        none = float("nan")
        grades = pd.concat(
            [rated("z", "math", [(2, 4), (6, none)]), rated("z", "stem", [(9, 7)]), rated("a", "math", [(1, 1)])]
        )
        table = mt_bench_table(grades)
        assert list(table.columns) == [
            "judge",
            "model",
            "part",
            "answers",
            "unreadable",
            "rating",
            "rating_low",
            "rating_high",
        ]
        assert table[table.model == "z"][["part", "answers", "unreadable", "rating"]].values.tolist() == [
            ["math", 4, 1, 4],
            ["stem", 2, 0, 8],
            ["turn 1", 3, 0, pytest.approx(17 / 3)],
            ["turn 2", 3, 1, 5.5],
            ["all", 6, 1, 5.6],
        ]
        assert table.model.unique().tolist() == ["z", "a"]

    def test_the_interval_holds_the_mean_and_knows_that_the_turns_of_a_question_belong_together(self):
        (alone,) = whole([(n % 9 + 1, (3 * n) % 9 + 1) for n in range(40)]).itertuples()
        assert alone.rating_low < alone.rating < alone.rating_high
        twice = whole([(n % 9 + 1,) * 2 for n in range(40)])
        once = whole([(n % 9 + 1,) for n in range(40)])
        assert (
            twice[["rating_low", "rating_high"]].values.tolist() == once[["rating_low", "rating_high"]].values.tolist()
        )

    def test_without_scatter_or_without_a_rating_there_is_no_interval(self):
        none = float("nan")
        assert readable(whole([(5, 5), (5, 5)])).rating.tolist() == ["5.0"]
        assert readable(whole([(none, none)])).rating.tolist() == ["-"]


def whole(ratings: list[tuple[float, ...]]) -> pd.DataFrame:
    """The table's last row, over all."""
    return mt_bench_table(rated("m", "math", ratings)).tail(1)
