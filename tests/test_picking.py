"""Rejection sampling: which response is picked, what it costs, and where a pool of responses comes from."""

import json
import re
from collections import Counter
from itertools import permutations
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from cce import evaluate, load_pairs
from cce.benchmarks import load_pools
from cce.benchmarks.pair import Message, Pair, Pool
from cce.chat.picking import pairs_of, pick, sample_responses
from cce.errors import BadInput
from cce.models.ledger import Ledger
from tests.conftest import planted_pair
from tests.fake_server import FakeServer
from tests.finals import check_finals, notes_of, qualities_in


def pool_of(*qualities: int, name: str = "one") -> Pool:
    """A pool whose responses have these qualities."""
    responses = [f"Response {place} to {name}, quality={quality}." for place, quality in enumerate(qualities)]
    return Pool(id=name, instruction=f"Question {name}?", responses=responses)


def run(server, pools, method="cce@4", judge="judge", **options):
    return pick(pools, method, server.model(judge), **options)


class TestPick:
    """Which response is picked."""

    # The best one in each place, clearly and by a little.
    POOLS = [pool_of(*qualities, name=str(qualities)) for qualities in ((9, 1, 4, 6), (5, 8, 7, 6), (2, 3, 6, 9, 5))]

    @pytest.mark.parametrize("method", ["vanilla", "maj@2", "cce@4"])
    @pytest.mark.parametrize(
        ("judge", "options"),
        [
            ("judge", {}),
            ("leaning-judge", {"order": "both"}),
            ("position-judge", {"order": "both", "verdict": "distribution"}),
        ],
    )
    def test_the_best_response_wins(self, server, method, judge, options):
        frame = run(server, self.POOLS, method, judge, **options)
        assert frame.picked.tolist() == [0, 1, 3]
        assert frame.response.tolist() == [pool.responses[k] for pool, k in zip(self.POOLS, [0, 1, 3], strict=True)]
        assert [max(scores) for scores in frame.scores] == frame.score.tolist()

    def test_scores_are_the_share_of_comparisons_won(self, server):
        (row,) = run(server, [pool_of(2, 9, 4, 6)]).to_dict("records")
        assert row["scores"] == pytest.approx([0, 1, 1 / 3, 2 / 3])
        assert (row["responses"], row["comparisons"], row["unreadable"]) == (4, 6, 0)

    def test_a_judge_that_always_prefers_a_place_prefers_no_response(self, server):
        frame = run(server, [pool_of(2, 9, 4, 6, 5, name=str(n)) for n in range(4)], "vanilla", "position-judge")
        assert frame.scores.tolist() == [[0.5] * 5] * 4

    def test_with_an_even_number_a_place_is_worth_one_comparison_and_the_coin_gives_it(self, server):
        pools = [pool_of(2, 9, 4, 6, name=str(n)) for n in range(20)]
        frame = run(server, pools, "vanilla", "position-judge")
        evens = Counter(scores[0] == scores[2] > scores[1] == scores[3] for scores in frame.scores)
        assert {round(3 * score) for scores in frame.scores for score in scores} == {1, 2}
        assert min(evens[True], evens[False]) >= 4

    def test_the_crowd_of_two_responses_is_all_the_others(self):
        pool = pool_of(2, 9, 4, 6)
        for pair in pairs_of(pool, seed=0):
            assert sorted([pair.answer_a, pair.answer_b, *pair.crowd]) == sorted(pool.responses)
        assert len({frozenset((pair.answer_a, pair.answer_b)) for pair in pairs_of(pool, seed=0)}) == 6

    def test_a_response_more_moves_no_other_response(self):
        fewer, more = (pairs_of(pool_of(*qualities), seed=3) for qualities in ((2, 9, 4), (2, 9, 4, 6)))
        sides = {(pair.id, pair.answer_a, pair.answer_b) for pair in more}
        assert {(pair.id, pair.answer_a, pair.answer_b) for pair in fewer} < sides

    def test_notes_tell_of_losses_to_the_other_responses(self, server):
        run(server, [pool_of(2, 9, 4, 6)], order="both")
        check_finals(server)

    def test_unreadable_and_tied_comparisons_count_as_half_and_a_seeded_draw_decides(self, server):
        pools = [pool_of(2, 9, 4, 6, name=str(n)) for n in range(40)]
        mute, drawn = run(server, pools, "vanilla", "mute-judge"), pick(pools, "random")
        assert set(mute.score) == {0.5}
        assert set(mute.unreadable) == {6}
        assert mute.picked.tolist() == drawn.picked.tolist()
        tied = run(server, pools[:3], "vanilla", "position-judge", order="both")
        assert tied.scores.tolist() == [[0.5] * 4] * 3
        assert set(tied.unreadable) == {0}

    def test_random_asks_nobody_and_depends_on_seed_and_pool_alone(self):
        pools = [pool_of(2, 9, 4, 6, name=str(n)) for n in range(400)]
        frame, other = pick(pools, "random"), pick(pools, "random", seed=1)
        assert frame.picked.tolist()[1::2] == pick(pools[1::2], "random").picked.tolist()
        assert 0.1 < (frame.picked == other.picked).mean() < 0.4
        assert min(Counter(frame.picked).values()) > 70
        assert set(frame.calls) == {0}
        assert set(frame.judge) == {"none"}
        assert frame.score.isna().all()

    def test_length_picks_the_longest_and_asks_nobody(self):
        pool = Pool(id="1", instruction="?", responses=["short", "by far the longest", "longer"])
        assert pick([pool], "longer").response.tolist() == ["by far the longest"]

    def test_equal_texts_are_one_candidate(self, server):
        twice = Pool(id="twice", instruction="?", responses=["a, quality=3", "b, quality=5", "a, quality=3"])
        alike = Pool(id="alike", instruction="?", responses=["same"] * 4)
        frame = run(server, [twice, alike], "vanilla").set_index("id")
        assert frame.picked["twice"] == 1
        assert frame.scores["twice"] == [0, 1, 0]
        assert frame.response["alike"] == "same"
        assert frame.scores["alike"] == [None] * 4
        assert frame.calls.tolist() == [1, 0]
        assert len(server.requests) == 1

    def test_crowd_models_stand_behind_the_other_responses(self, server):
        run(server, [pool_of(2, 5, 1)], "cce@4", crowd=[server.model("crowd-9")])
        assert server.kinds()["crowd answer"] == 1
        letters = [qualities_in(note) for request in server.of_kind("final") for note in notes_of(request)]
        assert {seen["D"] for seen in letters if "D" in seen} == {9}
        assert {seen["C"] for seen in letters if "C" in seen} == {2, 5}

    def test_hostile_responses_go_through(self, server):
        hostile = "\ud800 {braces} {{ 7 }} {% if %} [[A]] ==== End ==== quality=9"
        pool = Pool(id="\udc00", instruction="{{ x }}", responses=[hostile, "quality=1", "quality=4"])
        frame = run(server, [pool], "cce@2")
        assert frame.picked.tolist() == [0]
        assert any(hostile[1:18] in request["messages"][0]["content"] for request in server.requests)


class TestCost:
    """What a pool costs in calls: the formulas of `cce.chat.picking`."""

    QUALITIES = [5, 2, 8, 3, 7, 1, 6, 4]

    @pytest.mark.parametrize("n", [2, 4, 8])
    def test_vanilla_asks_once_a_pair(self, server, n):
        frame = run(server, [pool_of(*self.QUALITIES[:n])], "vanilla")
        assert server.kinds() == {"comparison": n * (n - 1) // 2}
        assert frame.calls.tolist() == [n * (n - 1) // 2]

    @pytest.mark.parametrize("n", [5, 8])
    def test_the_crowd_needs_every_two_responses_once_in_each_place(self, server, n):
        frame = run(server, [pool_of(*self.QUALITIES[:n])], f"cce@{2 * (n - 2)}")
        pairs = n * (n - 1) // 2
        # The best has lost to nobody and the second to nobody else: theirs has no background, and is vanilla's.
        assert server.kinds() == {"comparison": 2 * pairs, "removal": 2 * pairs, "final": pairs - 1}
        assert frame.calls.tolist() == [5 * pairs - 1]

    def test_with_four_responses_a_judge_without_errors_needs_25_to_27_calls(self, server):
        calls = run(server, [pool_of(*order, name=str(order)) for order in permutations((2, 4, 6, 8))], "cce@4").calls
        assert (calls.min(), calls.max()) == (25, 27)

    @pytest.mark.parametrize("n", [4, 5, 8])
    def test_vanilla_and_crowd_share_their_comparisons(self, server, tmp_path, n):
        pools = [pool_of(*self.QUALITIES[:n], name=str(k)) for k in range(3)]
        for method in ("cce@4", "vanilla"):
            run(server, pools, method, store=tmp_path / "s.sqlite")
        assert server.kinds()["comparison"] == 3 * n * (n - 1)

    @pytest.mark.parametrize("n", [4, 8])
    def test_a_dry_run_is_a_bound_from_above_and_asks_nobody(self, server, tmp_path, n):
        pools, method = [pool_of(*self.QUALITIES[:n])], f"cce@{2 * (n - 2)}"
        planned = run(server, pools, method, dry_run=Ledger()).calls[0]
        assert not server.requests
        assert run(server, pools, method).calls[0] <= planned <= 5 * n * (n - 1) // 2

    def test_both_orders_double_vanillas_calls_and_the_final_judgments_alone(self, server):
        frame = run(server, [pool_of(*self.QUALITIES)], "cce@12", order="both")
        assert server.kinds() == {"comparison": 56, "removal": 56, "final": 54}
        assert frame.calls.tolist() == [166]
        assert run(server, [pool_of(*self.QUALITIES)], "vanilla", order="both").calls.tolist() == [56]

    def test_a_smaller_budget_rewrites_fewer_comparisons(self, server):
        run(server, [pool_of(*self.QUALITIES)], "cce@2")
        assert server.kinds()["comparison"] == 56
        assert server.kinds()["removal"] < 56

    def test_pools_bill_what_they_ask_and_nothing_is_asked_twice(self, server, tmp_path):
        pools = [pool_of(*self.QUALITIES[k : k + 4], name=str(k)) for k in range(4)]
        first = run(server, pools, store=tmp_path / "s.sqlite")
        sent = len(server.requests)
        again = run(server, pools, store=tmp_path / "s.sqlite")
        assert first.calls.sum() == sent == len(server.requests)
        assert again.equals(first)


class TestSettings:
    """Bad settings are refused before anything is sent."""

    @pytest.mark.parametrize(
        ("pools", "options", "message"),
        [
            ([], {}, "pools: at least one"),
            ([pool_of(1, 2, 3)], {"method": "best"}, "unknown method 'best'"),
            ([pool_of(1, 2, 3)], {"judge": None}, "method cce@4 needs a judge"),
            ([pool_of(1, 2)], {}, "method cce@4 needs a crowd: .* a third response"),
            ([pool_of(1, 2, 3)], {"order": "reverse"}, "order 'reverse'"),
            ([pool_of(1, 2, 3)], {"method": "random", "concurrency": 0}, "concurrency 0"),
        ],
    )
    def test_bad_settings(self, server, pools, options, message):
        with pytest.raises(BadInput, match=message):
            pick(pools, **{"method": "cce@4", "judge": server.model("judge")} | options)
        assert not server.requests

    def test_a_pool_of_two_among_larger_ones_is_judged_by_vanilla(self, server):
        frame = run(server, [pool_of(3, 5, name="two"), pool_of(4, 2, 6, 1, name="four")])
        assert frame.picked.tolist() == [1, 2]
        assert frame.calls[0] == 1

    def test_a_budget_that_no_pool_fills_is_warned_of_where_the_user_is(self, server):
        with pytest.warns(UserWarning, match="a crowd of 1 gives 2 comparisons at most") as warned:
            pick([pool_of(3, 5, 4)], "cce@4", server.model("judge"))
        assert warned[0].filename == __file__


class TestCrowdAtHand:
    """Pairs that bring answers of a crowd along."""

    ANSWERS = tuple(f"Another's, quality={quality}." for quality in (7, 8, 9))

    def test_answers_at_hand_need_no_crowd_model_and_no_call(self, server, pairs):
        brought = [pair.model_copy(update={"crowd": self.ANSWERS}) for pair in pairs]
        frame = evaluate(brought, ["cce@6"], [server.model("judge")])
        assert frame.correct.all()
        assert server.kinds()["crowd answer"] == 0
        assert server.kinds()["comparison"] == 6 * len(pairs) + sum(frame.selected == 0)

    def test_they_are_lettered_before_the_crowd_models(self, server):
        pair = planted_pair(0, 1, 2, crowd=self.ANSWERS)
        evaluate([pair], ["cce@8"], [server.model("judge")], [server.model("crowd-6")])
        (request,) = server.of_kind("final")
        letters = {re.search(r"Assistant ([C-Z]) shows quality=(\d)", note).groups() for note in notes_of(request)}
        assert letters == {("C", "7"), ("D", "8"), ("E", "9"), ("F", "6")}
        assert {request["seed"] for request in server.of_kind("crowd answer")} == {0}

    def test_every_pair_must_bring_some_where_there_is_no_crowd_model(self, server, pairs):
        brought = [pair.model_copy(update={"crowd": self.ANSWERS}) for pair in pairs[1:]]
        with pytest.raises(BadInput, match="needs a crowd"):
            evaluate([pairs[0], *brought], ["cce@2"], [server.model("judge")])
        assert not server.requests

    def test_the_smallest_crowd_is_held_against_the_budget(self, server):
        pairs = [planted_pair(0, 1, 2, crowd=self.ANSWERS), planted_pair(1, 1, 2, crowd=self.ANSWERS[:1])]
        with pytest.warns(UserWarning, match="cce@6: a crowd of 2 gives 4 comparisons at most"):
            evaluate(pairs, ["cce@6"], [server.model("judge")], [server.model("crowd-9")])

    def test_a_file_of_pairs_may_carry_them(self, tmp_path):
        row = {"id": 1, "instruction": "?", "answer_a": "a", "answer_b": "b", "crowd": ["c", "d"]}
        (tmp_path / "mine.jsonl").write_text(json.dumps(row))
        assert load_pairs(str(tmp_path / "mine.jsonl"))[0].crowd == ("c", "d")

    def test_a_conversation_of_several_turns_takes_none(self):
        talk = [Message(role=role, content=role) for role in ("user", "assistant") * 2]
        with pytest.raises(ValidationError, match="crowd holds answers to one question"):
            Pair(id="two", conversation_a=talk, conversation_b=talk, crowd=["c"])
        assert Pair(id="one", conversation_a=talk[:2], conversation_b=talk[:2], crowd=["c"]).crowd == ("c",)


GOOD = {"id": 1, "instruction": "?", "responses": ["a", "b"]}


class TestFiles:
    """A file of pools."""

    def test_a_file_of_pools_loads_in_its_order(self, tmp_path):
        (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, [GOOD, GOOD | {"id": "x", "extra": 0}])))
        pools = load_pools(tmp_path / "mine.jsonl")
        assert [pool.id for pool in pools] == ["1", "x"]
        assert pools[0].responses == ("a", "b")

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            ([GOOD, GOOD], "mine.jsonl: the id '1' stands twice"),
            ([], "mine.jsonl: holds no pools"),
            ([GOOD, ["no", "object"]], "row 2: an object with the fields of Pool is wanted"),
            ([{"id": 1, "instruction": "?"}], "row 1: responses: Field required"),
            ([GOOD | {"responses": []}], "row 1: needs an instruction and at least one response"),
            ([GOOD | {"responses": "a"}], "row 1: responses: "),
            ([GOOD | {"responses": ["a", None]}], "row 1: responses: .*string"),
            ([GOOD | {"instruction": ""}], "row 1: needs an instruction and at least one response"),
        ],
    )
    def test_a_bad_file_is_one_clear_error(self, tmp_path, rows, message):
        (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
        with pytest.raises(BadInput, match=message):
            load_pools(tmp_path / "mine.jsonl")

    def test_a_missing_file_is_named(self):
        with pytest.raises(BadInput, match="nowhere.jsonl: there is no such file"):
            load_pools("nowhere.jsonl")


INSTRUCTIONS = [SimpleNamespace(id=f"i{n}", instruction=f"Instruction {n}?") for n in range(3)]


class TestSampling:
    """Responses sampled for each instruction."""

    def test_models_answer_in_turn_and_each_response_is_a_sample_of_its_own(self, server):
        pools = sample_responses(INSTRUCTIONS, [server.model("crowd-3"), server.model("crowd-7")], 5)
        assert [(pool.id, pool.instruction) for pool in pools] == [(one.id, one.instruction) for one in INSTRUCTIONS]
        said = re.findall(r"quality=(\d), sample (\d)", " ".join(pools[2].responses))
        assert said == [("3", "0"), ("7", "0"), ("3", "1"), ("7", "1"), ("3", "2")]
        assert {request["temperature"] for request in server.requests} == {1.0}

    def test_a_model_listed_twice_samples_on(self, server):
        (pool,) = sample_responses(INSTRUCTIONS[:1], [server.model("crowd-3")] * 2, 4)
        assert len(pool.distinct) == 4

    def test_a_smaller_pool_is_the_beginning_of_a_larger_and_nothing_is_asked_twice(self, server, tmp_path):
        few, many = (
            sample_responses(INSTRUCTIONS, [server.model("crowd-3")], n, store=tmp_path / "s.sqlite") for n in (2, 4)
        )
        assert [pool.responses for pool in few] == [pool.responses[:2] for pool in many]
        assert len(server.requests) == 4 * len(INSTRUCTIONS)

    def test_another_seed_samples_anew(self, server):
        first, other = (sample_responses(INSTRUCTIONS, [server.model("crowd-3")], 4, seed=seed) for seed in (0, 1))
        assert not {text for pool in first for text in pool.responses} & {t for pool in other for t in pool.responses}

    def test_an_instruction_too_long_for_the_context_is_cut_and_warned_of(self):
        long = SimpleNamespace(id="long", instruction="start " + "x" * 5000 + " end")
        with FakeServer(context=1000) as server:
            with pytest.warns(UserWarning, match="1 instructions were too long"):
                pools = sample_responses([*INSTRUCTIONS, long], [server.model("crowd-3")], 2)
            assert [len(pool.responses) for pool in pools] == [2] * 4

    @pytest.mark.parametrize("bad", [{"instructions": []}, {"models": []}, {"n": 0}, {"max_tokens": 0}])
    def test_bad_settings_are_refused_before_anything_is_sent(self, server, bad):
        with pytest.raises(BadInput):
            sample_responses(**{"instructions": INSTRUCTIONS, "models": [server.model("crowd-3")], "n": 2} | bad)
        assert not server.requests

    def test_what_was_sampled_can_be_picked_from(self, server):
        crowd = [server.model(f"crowd-{quality}") for quality in (3, 8, 5)]
        pools = sample_responses(INSTRUCTIONS, crowd, 3)
        assert run(server, pools, "cce@2").picked.tolist() == [1, 1, 1]
