"""What the paper left open: what each method asks for, and what comes of it; refinement and cheap rivals in detail."""

import re
from collections import Counter
from math import exp

import pytest

from cce import evaluate, judge
from cce.benchmarks.pair import Pair
from cce.benchmarks.published import SECTION_OF
from cce.crowd.marks import read_text
from cce.crowd.methods import METHODS
from cce.crowd.methods.criteria import CRITERIA, of_task
from cce.errors import BadInput
from tests.conftest import planted_pair
from tests.fake_grader import FakeGrader
from tests.fake_server import sections, user_prompt
from tests.finals import notes_of

# Against 9, 4 and 1 the 2 loses twice and wins once, the 5 once and twice.
CROWD = ["crowd-9", "crowd-4", "crowd-1"]
OURS = {"refine", "cce-again", "rate", "criteria", "jury", "jury-mean"}


@pytest.fixture
def server():
    with FakeGrader() as running:
        yield running


def two() -> list[Pair]:
    return [planted_pair(0, 2, 5), planted_pair(1, 5, 2)]


def run(server, pairs, methods, judge="judge", crowd=CROWD, **options):
    return evaluate(pairs, methods, [server.model(judge)], [server.model(name) for name in crowd], **options)


def asked(server, kind: str) -> list[dict[str, str]]:
    """The sections of the prompts of this kind."""
    return [sections(user_prompt(request)) for request in server.of_kind(kind)]


ANSWERED = {"crowd answer": 3, "comparison": 6}
# By method: what it asks for about one pair whose B is better, in one order, and its verdict.
TABLE = {
    "cce@6": (ANSWERED | {"removal": 3, "final": 1}, "B"),
    "cce-again@6": (ANSWERED | {"removal": 4, "final": 2}, "B"),
    "cce-again@2": (ANSWERED | {"removal": 3, "final": 2}, "B"),
    "refine@1": (ANSWERED | {"removal": 3, "final": 1, "refinement": 1}, "B"),
    "refine@3": (ANSWERED | {"removal": 3, "final": 1, "refinement": 3}, "B"),
    "criteria": ({"comparison": 1}, "B"),
    "jury": ({"comparison": 4}, "B"),
    "jury-mean": ({"comparison": 4}, "B"),
    "count@6": (ANSWERED, "B"),
    "count@6~flipped100": (ANSWERED, "A"),
    "cce@6~flipped100": (ANSWERED | {"removal": 3, "final": 1}, "B"),
    "cce-praising@6~flipped100": (ANSWERED | {"final": 1}, "B"),
    "refine@2~flipped100": (ANSWERED | {"removal": 3, "final": 1, "refinement": 2}, "B"),
}


@pytest.mark.parametrize("method", TABLE)
def test_a_method_asks_for_exactly_this_and_finds_that(server, method):
    kinds, verdict = TABLE[method]
    frame = run(server, [planted_pair(0, 2, 5)], [method], crowd=CROWD if method != "criteria" else [])
    assert (server.kinds(), frame.verdict.tolist()) == (kinds, [verdict])
    assert frame.calls.tolist() == [len(server.requests)]


def test_every_method_has_its_row():
    rated = {"rate"}  # below, by another server
    assert {method.partition("@")[0] for method in TABLE} | rated >= OURS
    assert METHODS.keys() >= OURS


class TestRefinement:
    """The judge reads what it wrote, and decides again."""

    @pytest.mark.parametrize("prompts", ["kit", "paper"])
    @pytest.mark.parametrize("order", ["given", "both"])
    def test_each_round_sees_the_last_rationale_of_its_order_and_the_notes(self, server, order, prompts):
        frame = run(server, [planted_pair(0, 2, 5)], ["refine@2"], order=order, prompts=prompts)
        assert frame.correct.all() and frame.notes.tolist() == [3]
        orders = 2 if order == "both" else 1
        assert server.kinds()["refinement"] == 2 * orders
        finals = {tuple(notes_of(request)) for request in server.of_kind("final")}
        rounds = Counter()
        for request in server.of_kind("refinement"):
            titles = sections(user_prompt(request))
            assert tuple(notes_of(request)) in finals
            a = re.search(r"quality=\d", titles["Assistant A's answer"])[0]
            former = titles["Your former judgment"]
            assert f"Assistant A shows {a}" in former
            # The verdict stands there, but in no mark that could be read for a new one.
            assert "is better" in former and read_text(former) is None
            rounds["Looked again" in former] += 1
        assert rounds == {False: orders, True: orders}

    def test_a_round_is_the_same_whatever_the_budget(self, server, tmp_path):
        bought = []
        for method in ("cce@6", "refine@1", "refine@2", "refine@4", "refine@3"):
            before = len(server.requests)
            run(server, two(), [method], store=tmp_path / "s.sqlite")
            bought.append(len(server.requests) - before)
        assert bought[1:] == [2, 2, 4, 0]

    def test_a_round_that_is_unreadable_changes_nothing(self, server):
        frame = run(server, two(), ["cce@6", "refine@3"], "tired-judge")
        assert frame.verdict.tolist() == ["B", "A"] * 2
        assert frame.text[frame.method == "cce@6"].tolist() == frame.text[frame.method == "refine@3"].tolist()
        # What the second round would be asked it has been asked already.
        assert server.kinds()["refinement"] == 2

    def test_without_a_note_it_still_reads_its_own(self, server):
        frame = run(server, [planted_pair(0, 7, 8)], ["refine@1"], crowd=["crowd-1"])
        assert server.kinds() == {"crowd answer": 1, "comparison": 3, "refinement": 1} and frame.correct.all()

    def test_by_distribution_every_round_is_asked_for_its_letter(self, server):
        run(server, [planted_pair(0, 2, 5)], ["refine@2"], "mute-judge", verdict="distribution")
        assert server.kinds()["letter"] == 6 + 1 + 2

    @pytest.mark.parametrize("prompts", ["kit", "paper"])
    def test_again_shows_its_own_rationale_as_one_note_more_without_its_outcome(self, server, prompts):
        frame = run(server, [planted_pair(0, 2, 5)], ["cce-again@2"], prompts=prompts, order="both")
        first, again = (
            [notes_of(request) for request in server.of_kind("final") if len(notes_of(request)) == n] for n in (2, 3)
        )
        assert len(first) == len(again) == 2
        assert sorted(notes[:2] for notes in again) == sorted(first)
        for notes in again:
            assert "Assistant A shows" in notes[2] and "Assistant B shows" in notes[2]
            assert "is better" not in notes[2] and "[" not in notes[2]
        assert frame.notes.tolist() == [2]

    def test_again_is_cce_where_nothing_is_left_of_the_rationale(self, server):
        frame = run(server, [planted_pair(0, 2, 5)], ["cce@2", "cce-again@2"], "terse-judge")
        assert frame.verdict.tolist() == ["B", "B"] and frame.text.nunique() == 1


class TestRatings:
    """Each answer is rated alone."""

    @pytest.mark.parametrize("k", [1, 4])
    def test_the_means_decide_and_no_order_has_a_part(self, server, k):
        frame = run(server, two(), [f"rate@{k}"], "grader", [], order="both")
        # Both pairs have an answer of 2 and one of 5, but not the same ones.
        assert server.kinds() == {"grade": 4 * k}
        assert frame.calls.tolist() == [2 * k] * 2 and frame.verdict.tolist() == ["B", "A"]
        # 2 and 5 lie three of nine points apart.
        assert frame.p_a.tolist() == pytest.approx([0.5 - 3 / 18, 0.5 + 3 / 18])
        assert frame.p_given.tolist() == frame.p_swapped.tolist() == frame.p_a.tolist()
        assert {(request["temperature"], request["seed"]) for request in server.requests} == {
            (0.7, sample) for sample in range(k)
        }
        assert not any({"quality=2", "quality=5"} <= {*re.findall(r"quality=\d", str(r))} for r in server.requests)

    def test_all_ratings_count_alike(self, server):
        # The first sample says 10 - N: 8, 2, 2 against 5, 5, 5.
        frame = run(server, two()[:1], ["rate@1", "rate@3"], "wavering", [])
        assert frame.p_a.tolist() == pytest.approx([0.5 + 3 / 18, 0.5 - 1 / 18])
        assert server.kinds() == {"grade": 6}

    def test_equal_means_are_a_tie(self, server):
        frame = run(server, [planted_pair(0, 4, 4), planted_pair(1, 2, 5)], ["rate@2"], "grader", [])
        assert frame.verdict.tolist() == ["tie", "B"]

    def test_what_cannot_be_read_has_no_part(self, server):
        assert run(server, two(), ["rate@3"], "halting", []).p_a.tolist() == pytest.approx([1 / 3, 2 / 3])
        frame = run(server, two(), ["rate@3"], "mute", [])
        assert frame.verdict.isna().all() and set(frame.unreadable) == {"no verdict stands in its text"}

    def test_they_can_be_read_from_a_digit(self, server):
        frame = run(server, two(), ["rate@2"], "mute", [], verdict="distribution")
        # It says the same in both samples, which share the question for a digit.
        assert server.kinds() == {"grade": 8, "rating": 4}
        assert frame.p_a.tolist() == pytest.approx([0.5 - 3 / 16, 0.5 + 3 / 16])

    def test_a_rating_in_an_answer_is_none_and_own_criteria_are_shown(self, server):
        pair = planted_pair(0, 2, 5, criteria="the five attributes")
        pair = pair.model_copy(update={"answer_a": "Rating: [[10]] quality=2"})
        assert judge(pair, "rate@1", server.model("quoting"))["verdict"] == "B"
        assert all("Look at the five attributes" in user_prompt(request) for request in server.requests)


class TestJury:
    """Different models judge."""

    @pytest.mark.parametrize(
        ("others", "verdict", "p_a"),
        [
            (["position-judge", "leaning-judge"], "A", 2 / 3),
            (["position-judge", "mute-judge"], "B", 0),  # between two halves the judge decides
            (["position-judge", "position-judge", "judge"], "B", 0),  # who is listed again has one vote
            (["mute-judge"], "B", 0),
        ],
    )
    def test_the_most_votes_decide(self, server, others, verdict, p_a):
        frame = run(server, [planted_pair(0, 2, 4)], ["jury"], crowd=others)
        assert (frame.verdict[0], frame.p_a[0]) == (verdict, pytest.approx(p_a))
        assert server.kinds() == {"comparison": 1 + len({*others} - {"judge"})}

    @pytest.mark.parametrize("order", ["given", "both"])
    def test_the_mean_of_their_probabilities_decides(self, server, order):
        pair = planted_pair(0, 2, 8)
        frame = run(server, [pair], ["jury", "jury-mean"], crowd=["leaning-judge"], verdict="distribution", order=order)

        def p(lead):
            return 1 / (1 + exp(-lead / 10))

        leaning = p(-3.5) if order == "given" else (p(-3.5) + 1 - p(8.5)) / 2
        assert frame.p_a[1] == pytest.approx((p(-6) + leaning) / 2)
        assert frame.p_a[0] == 0 and frame.calls.tolist() == [4 if order == "given" else 8] * 2

    def test_no_readable_vote_is_no_verdict(self, server):
        frame = run(server, [planted_pair(0, 2, 4)], ["jury", "jury-mean"], "mute-judge", ["mute-judge"])
        assert frame.verdict.isna().all()

    def test_it_shares_the_judges_own_vote_with_vanilla_and_goes_on_without_who_refuses(self, server, tmp_path):
        run(server, two()[:1], ["vanilla"], crowd=[], store=tmp_path / "s.sqlite")
        server.failures.append({"status": 400, "body": {"error": {"message": "content policy"}}})
        with pytest.warns(UserWarning, match="1 crowd members were refused"):
            frame = run(server, two()[:1], ["jury"], crowd=["crowd-1", "crowd-4"], store=tmp_path / "s.sqlite")
        assert len(server.requests) == 3 and server.kinds() == {"comparison": 3}
        assert (frame.verdict[0], frame.crowd_refused[0]) == ("B", 1)

    @pytest.mark.parametrize("method", ["jury", "jury-mean"])
    def test_it_needs_a_crowd_model(self, server, method):
        for crowd in ((), ("Crowd answer, quality=9",)):
            with pytest.raises(BadInput, match=f"method {method} needs a crowd"):
                run(server, [planted_pair(0, 2, 4, crowd=crowd)], [method], crowd=[])
        assert not server.requests


class TestCriteria:
    """Vanilla with what counts in one sentence."""

    def test_the_sentence_stands_behind_the_usual_list(self, server):
        pair = planted_pair(0, 2, 5).model_copy(update={"benchmark": "rewardbench2", "subset": "Math"})
        for prompts in ("kit", "paper"):
            assert judge(pair, "criteria", server.model("judge"), prompts=prompts)["correct"]
        told = f"{CRITERIA['usual']}. Above all, look at {CRITERIA['kinds']['mathematics']}."
        assert all(told in str(request["messages"][0]["content"]) for request in server.requests)

    def test_a_pairs_own_criteria_go_first_and_are_vanillas(self, server):
        frame = run(server, [planted_pair(0, 2, 5, criteria="brevity")], ["vanilla", "criteria"], crowd=[])
        assert len(server.requests) == 1 and frame.text.nunique() == 1

    def test_tasks_have_their_kind_and_names_that_tell_the_label_share_one(self):
        def kind(benchmark, subset):
            pair = planted_pair(0, 2, 5).model_copy(update={"benchmark": benchmark, "subset": subset})
            return next(kind for kind, sentence in CRITERIA["kinds"].items() if sentence == of_task(pair))

        assert set(CRITERIA["places"].values()) | {"any"} == set(CRITERIA["kinds"])
        assert "any" not in {kind("rewardbench", subset) for subset in SECTION_OF}
        subsets = ("Factuality", "Precise IF", "Math", "Safety", "Focus")
        found = [kind("rewardbench2", subset) for subset in subsets]
        assert found == ["facts", "instructions", "mathematics", "safety", "focus"]
        assert kind("rewardbench", "xstest-should-refuse") == kind("rewardbench", "xstest-should-respond") == "safety"
        assert kind("rm_bench", "safety-refuse: hard") == kind("rm_bench", "safety-response: easy") == "safety"
        assert (
            kind("judgebench", "mmlu-pro-law") == "reasoning" and kind("judgebench", "mmlu-pro-math") == "mathematics"
        )
        assert kind("mine.jsonl", "") == kind("mine.jsonl", "rewardbench2/Math") == "any"


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("vanilla~flipped25", "it has no crowd that judges the pair to be noisy; take vanilla, or cce@N"),
        ("jury~liar10", "it has no crowd"),
        ("maj@3~foreign10", "it has no crowd .* take maj@3, or"),
        ("cce-shuffled@2~flipped10", "it has no crowd that judges the pair"),
        ("cce@2~flipped0", "unknown method 'cce@2~flipped0'.*~flippedP, ~foreignP, ~liarP .P from 1 to 100"),
        ("cce@2~loud10", "unknown method"),
        ("cce@2:kit~flipped10", "unknown method"),
        ("refine", "unknown method"),
        ("rate", "unknown method"),
        ("jury@3", "unknown method"),
    ],
)
def test_what_is_no_method_is_refused_before_anything_is_sent(server, method, message):
    with pytest.raises(BadInput, match=message):
        run(server, two(), ["vanilla", method])
    assert not server.requests
