"""A noisy crowd: what is wrong with it, how much of it, what that costs, and what comes of it."""

import json
import re

import pytest

from cce import Records, judge, pick
from cce.benchmarks.pair import Message, Pair, Pool
from cce.crowd.marks import read_text
from cce.crowd.noise import flipped
from cce.crowd.verdict import Judgment, Reading
from cce.errors import BadInput
from tests.conftest import planted_pair
from tests.fake_server import answer_to
from tests.finals import notes_of
from tests.test_beyond import CROWD, asked, run, two


def of_two_turns() -> Pair:
    """A conversation whose second answers have the qualities 6 and 8."""
    talks = [
        [("user", "First?"), ("assistant", "quality=3"), ("user", "Second?"), ("assistant", f"quality={quality}")]
        for quality in (6, 8)
    ]
    a, b = ([Message(role=role, content=said) for role, said in talk] for talk in talks)
    return Pair(id="two", conversation_a=a, conversation_b=b, benchmark="planted", label="B")


def noise_in(server, folder, pairs, methods, crowd=CROWD, **options) -> dict[str, set]:
    """Which crowd judgments of each method are noisy."""
    with Records(folder / "out.jsonl") as records:
        run(server, pairs, methods, crowd=crowd, out=records, **options)
    struck = {method: set() for method in methods}
    for record in map(json.loads, (folder / "out.jsonl").read_text().splitlines()):
        for one in record["trace"]["crowd"]:
            if one["noise"]:
                struck[record["method"]].add((record["id"], one["candidate"], one["member"]))
    return struck


class TestFlipped:
    """Crowd judgments that are turned round."""

    TEXTS = [
        "Assistant A names it. Assistant B is better.\n[[B]]",
        "B's answer is worse than A's. My verdict: [[ **A** ]]",
        "So [[A>>B]].",
        "Neither helps with vitamin B. [[tie]]",
        r"Hence \boxed{\text{B}}",
        "Output (a) is better.",
        "Overall [[option b]], \uff3bAssistant \uff21\uff3d",
    ]

    @pytest.mark.parametrize("text", TEXTS)
    def test_a_judgment_is_the_opposite_in_marks_words_and_number_and_twice_the_same(self, text):
        before = Judgment((Reading(text, read_text(text)),), read_text(text))
        after = flipped(before)
        (turned,) = after.readings
        assert turned.p_first == after.p_a == read_text(turned.text) == 1 - before.p_a
        assert flipped(after) == before

    def test_what_is_said_of_one_is_said_of_the_other(self):
        told = flipped(Judgment((Reading("Assistant A is short; vitamin B is missing in B's.", None),), None))
        assert (told.readings[0].text, told.p_a) == ("Assistant B is short; vitamin B is missing in A's.", None)

    def test_all_turned_round_is_the_mirror_of_the_count(self, server):
        pairs = [planted_pair(place, *sides) for place, sides in enumerate([(2, 5), (5, 2), (0, 3), (7, 3), (2, 3)])]
        frame = run(server, pairs, ["count@6", "count@6~flipped100", "vanilla"])
        clean, noisy, vanilla = (frame.p_a[frame.method == name].tolist() for name in frame.method.unique())
        # Where both lost as many, vanilla decides either way.
        assert clean == [0, 1, 0, 1, 0] and noisy == [1, 0, 1, 0, vanilla[4]]

    def test_it_takes_no_call_but_for_the_notes_that_it_makes(self, server, tmp_path):
        store = {"store": tmp_path / "s.sqlite", "order": "both"}
        run(server, two(), ["vanilla", "cce@6", "count@6"], **store)
        before = server.kinds()
        run(server, two(), [f"count@6~flipped{p}" for p in (1, 20, 50, 100)], **store)
        assert server.kinds() == before
        run(server, two(), ["cce@6~flipped100"], **store)
        assert set(server.kinds() - before) == {"removal", "final"}

    @pytest.mark.parametrize("order", ["given", "both"])
    def test_the_notes_praise_what_lost(self, server, order):
        run(server, [planted_pair(0, 2, 5)], ["cce@6~flipped100"], order=order)
        for request in server.of_kind("final"):
            notes = notes_of(request)
            assert len(notes) == 3
            # They tell of comparisons that A or B had won, as if they had been lost.
            assert all(re.search(r"More shine on Assistant [C-Z]", note) for note in notes)
            assert not any("[[" in note or "is better" in note for note in notes)


class TestShares:
    """How much of a crowd is noisy."""

    @pytest.mark.parametrize("kind", ["flipped", "foreign", "liar"])
    def test_what_is_noisy_stays_so_at_a_larger_share(self, server, tmp_path, kind):
        pairs = [planted_pair(place, 2, 5) for place in range(20)]
        methods = [f"cce-random@6~{kind}{percent}" for percent in (10, 25, 50, 100)]
        ten, quarter, half, every = noise_in(server, tmp_path, pairs, methods).values()
        assert ten < quarter < half < every
        # Of 20 pairs with three members, of which one lies; each gives two comparisons.
        whole = {"flipped": 120, "foreign": 120, "liar": 40}[kind]
        assert len(every) == whole and 0.1 * whole < len(quarter) < 0.45 * whole
        if kind != "flipped":
            # An answer is noisy in both comparisons, or in none.
            assert all(half >= {(pair, side, letter) for side in "AB"} for pair, _, letter in half)

    def test_another_seed_draws_others_and_a_smaller_crowd_the_same(self, server, tmp_path):
        pairs, method = [planted_pair(place, 2, 5) for place in range(10)], "cce-random@6~flipped50"
        drawn, other = (noise_in(server, tmp_path, pairs, [method], seed=seed)[method] for seed in (0, 1))
        assert drawn != other
        fewer = noise_in(server, tmp_path, pairs, [method], crowd=CROWD[:2])[method]
        assert fewer == {one for one in drawn if one[2] in "CD"}

    def test_every_selection_and_the_count_have_the_same_noise(self, server, tmp_path):
        methods = [f"{name}@6~flipped50" for name in ("cce", "cce-praising", "cce-balanced", "count")]
        first, *others = noise_in(server, tmp_path, two(), methods).values()
        assert first and all(other == first for other in others)


class TestForeign:
    """Crowd answers to another question."""

    def test_the_members_answers_to_the_next_pairs_question_are_compared(self, server):
        crowd = ["some-model", "other-model"]
        run(server, two(), ["cce-random@4~foreign100"], crowd=crowd)
        assert server.kinds()["crowd answer"] == 4
        for shown in asked(server, "comparison"):
            (answer,) = [text for title, text in shown.items() if "Crowd answer" in text and title.startswith("Assis")]
            own, other = shown["The user's question"], {"Question 0?": "Question 1?", "Question 1?": "Question 0?"}
            assert answer in answers_to(server, other[own]) - answers_to(server, own)

    def test_answers_are_those_that_the_other_pair_has_anyway(self, server, tmp_path):
        store = tmp_path / "s.sqlite"
        run(server, two(), ["cce@6"], store=store)
        before = server.kinds()
        run(server, two(), ["cce@6~foreign100"], crowd=CROWD, store=store)
        assert set(server.kinds() - before) <= {"comparison", "removal", "final"}

    def test_an_answer_at_hand_is_that_in_its_place_in_the_other_pairs_crowd(self, server, tmp_path):
        pairs = [
            pair.model_copy(update={"crowd": tuple(f"Crowd answer {n}{m}, quality=9" for m in range(2 - n))})
            for n, pair in enumerate(two())
        ]
        run(server, pairs, ["cce-random@4~foreign100"], crowd=[])
        shown = {
            (titles["The user's question"], text)
            for titles in asked(server, "comparison")
            for text in titles.values()
            if text.startswith("Crowd answer")
        }
        # The second pair has one answer at hand, which both of the first's are exchanged for.
        assert shown == {("Question 0?", "Crowd answer 10, quality=9"), ("Question 1?", "Crowd answer 00, quality=9")}

    @pytest.mark.parametrize("prompts", ["kit", "paper"])
    def test_pairs_of_unlike_turns_exchange_answers(self, server, prompts):
        frame = run(server, [of_two_turns(), planted_pair(0, 2, 5)], ["cce@6~foreign100"], prompts=prompts)
        assert frame.correct.all() and frame.failed.isna().all()

    def test_it_needs_a_pair_with_another_question(self, server):
        with pytest.raises(BadInput, match="cce@2~foreign5 takes another pair: 'planted' has no pair with another"):
            run(server, two()[:1], ["vanilla", "cce@2~foreign5"])
        pool = Pool(id="p", instruction="Which?", responses=["quality=2", "quality=5", "quality=9"])
        with pytest.raises(BadInput, match="takes another pair beside each"):
            pick([pool], "cce@2~foreign5", server.model("judge"))
        assert not server.requests


def answers_to(server, question: str) -> set[str]:
    """What crowd models answered to this question."""
    return {
        answer_to(request)[0]
        for request in server.of_kind("crowd answer")
        if request["messages"][-1]["content"] == question
    }


class TestLiar:
    """One member that answers wrongly and with confidence."""

    def test_one_and_the_same_member_lies_in_all_pairs_to_the_very_question(self, server):
        pairs = [planted_pair(place, 2, 5) for place in range(6)]
        run(server, pairs, ["cce@4~liar100"], crowd=["crowd-9", "crowd-8"])
        assert server.kinds() == {"crowd answer": 6, "lie": 6, "comparison": 24, "removal": 12, "final": 6}
        assert len({request["model"] for request in server.of_kind("lie")}) == 1
        questions = {titles["The user's question"] for titles in asked(server, "lie")}
        assert questions == {pair.instruction for pair in pairs}
        # Its answers have the quality 0, and beat nobody.
        assert sum("a lie" in str(titles) for titles in asked(server, "comparison")) == 12
        (liar,) = {request["model"] for request in server.of_kind("lie")}
        told = "".join(note for request in server.of_kind("final") for note in notes_of(request))
        assert f"quality={liar[-1]}" not in told

    @pytest.mark.parametrize("prompts", ["kit", "paper"])
    def test_of_a_conversation_it_answers_what_the_member_would(self, server, prompts):
        assert run(server, [of_two_turns()], ["cce@2~liar100"], crowd=["crowd-9"], prompts=prompts).correct.all()
        own = {"kit": "Crowd answer, quality=0, a lie, sample 0.", "paper": "quality=3"}[prompts]
        shown = asked(server, "lie")
        assert len(shown) == {"kit": 2, "paper": 1}[prompts]
        assert shown[-1]["Your answer, turn 1"] == own and shown[-1]["The user's question, turn 2"] == "Second?"

    def test_where_the_crowd_is_at_hand_the_judges_model_lies(self, server):
        pair = planted_pair(0, 2, 5, crowd=("Crowd answer, quality=9", "Crowd answer, quality=8"))
        result = judge(pair, "cce@4~liar100", server.model("judge"))
        (lie,) = server.of_kind("lie")
        assert lie["model"] == "judge" and lie["temperature"] == 0.7
        (member,) = {one["member"] for one in result["trace"]["crowd"] if one["noise"]}
        shown = dict((part.title, part.text) for part in result.crowd_answers().parts)
        assert shown[f"{member}: judge"] == "Crowd answer, quality=0, a lie, sample 0."

    def test_a_result_says_what_is_noise_on_its_face(self, server):
        asked = server.model("judge"), [server.model("crowd-1")]
        result = judge(planted_pair(0, 2, 5), "cce@6~flipped100", *asked)
        assert all("(noise: turned round" in part.title for part in result.crowd_judgments().parts)
        assert "noise" not in str(judge(planted_pair(0, 2, 5), "cce@6", *asked))


def test_noise_goes_with_a_set_of_prompts_and_with_picking(server):
    frame = run(server, two(), ["cce@6~flipped50:paper"])
    assert frame.correct.all() and set(frame.method) == {"cce@6~flipped50:paper"}
    pool = Pool(id="p", instruction="Which?", responses=["quality=2", "quality=5", "quality=9"])
    assert pick([pool], "count@2", server.model("judge")).picked.tolist() == [2]
    assert pick([pool], "count@2~flipped100", server.model("judge")).picked.tolist() != [2]
