"""Every method: what its judge is shown, what it asks for, and what it does to a judge whose errors are planted."""

import re

import pytest

from cce import evaluate
from cce.analysis.accuracy import accuracy_table, scored
from cce.benchmarks.pair import Message, Pair
from cce.crowd.methods import METHODS, SINGLE, crowd_needed
from cce.crowd.methods.published import FORMATS
from tests.conftest import planted_pair
from tests.fake_server import FakeServer, sections
from tests.finals import notes_of
from tests.planted import ACCURACY, FOR_LOSSES, FOR_REMOVAL, PRAISED, is_right_on

# What knows the lengths alone has tests of its own, and so have rubrics and what does not compare as vanilla does.
OTHERS = {*FORMATS, "longer", "shorter", "rubric", "self-rubric", "rate", "jury", "jury-mean", "refine"}
EVERY = [f"{name}@2" if method.budgeted else name for name, method in METHODS.items() if name not in OTHERS]
# Two that any candidate of 2 to 7 loses to, and two that it beats.
CROWD = ["crowd-0", "crowd-9", "crowd-1", "crowd-8"]


def run(server, pairs, methods, judge="judge", crowd=CROWD, **options):
    return evaluate(pairs, methods, [server.model(judge)], [server.model(name) for name in crowd], **options)


def prompts(server: FakeServer, *kinds: str) -> list[str]:
    return [request["messages"][0]["content"] for kind in kinds for request in server.of_kind(kind)]


def check_kinds(server: FakeServer, method: str) -> None:
    """The judging prompts of this method, and no others, came in."""
    kinds = {"comparison"} | ({"aggregation"} if "agg" in method else set())
    kinds |= {"crowd answer"} if crowd_needed(method) else set()
    kinds |= {"letter"} if "escalated" in method else set()
    kinds |= {"final"} if method.startswith("cce") and crowd_needed(method) else set()
    assert set(server.kinds()) - {"removal"} == kinds


@pytest.mark.filterwarnings("ignore:none of")
@pytest.mark.parametrize("method", EVERY)
class TestEveryMethod:
    """What all methods keep to."""

    @pytest.mark.parametrize("order", ["given", "both"])
    def test_finds_the_planted_better_answer(self, server, pairs, method, order):
        longer = [pair.model_copy(update={f"answer_{pair.label.lower()}": "x" * 99 + " quality=7"}) for pair in pairs]
        assert run(server, longer, [method], order=order).correct.all()

    def test_shows_a_benchmarks_own_criteria_in_every_judging_prompt(self, server, method):
        run(server, [planted_pair(place, 2, 5, criteria="the five attributes") for place in (0, 1)], [method])
        shown = prompts(server, "comparison", "final", "aggregation")
        assert all("the five attributes" in prompt and "creativity and level" not in prompt for prompt in shown)
        check_kinds(server, method)

    def test_shows_both_turns_of_a_conversation_everywhere(self, server, method):
        a, b = (
            [("user", "First?"), ("assistant", "quality=9"), ("user", "{}?"), ("assistant", f"quality={quality}")]
            for quality in (3, 6)
        )
        pairs = [
            Pair(
                id=second,
                label="B",
                **{
                    f"conversation_{side}": [Message(role=role, content=said.format(second)) for role, said in talk]
                    for side, talk in zip("ab", (a, b), strict=True)
                },
            )
            for second in ("Second", "Another")
        ]
        run(server, pairs, [method])
        shown = [sections(prompt) for prompt in prompts(server, "comparison", "final", "aggregation")]
        assert all("Assistant B's answer, turn 2" in titles for titles in shown)
        check_kinds(server, method)
        answers = server.of_kind("crowd answer")
        assert {len(request["messages"]) for request in answers} == ({1, 3} if crowd_needed(method) else set())

    def test_asks_only_what_it_bills(self, server, pairs, method):
        frame = run(server, pairs, [method])
        assert frame.calls.sum() == len(server.requests)


def test_length_asks_no_model_and_is_one_row_whoever_judges(server, pairs):
    with pytest.warns(UserWarning, match="none of"):
        frame = evaluate(
            pairs, ["longer", "vanilla"], [server.model("judge"), server.model("mute-judge")], ["x@http://x"]
        )
    assert frame.judge.tolist() == ["none"] * 6 + [server.model("judge")] * 6 + [server.model("mute-judge")] * 6
    assert frame[frame.method == "longer"].calls.sum() == 0
    assert set(frame[frame.method == "longer"].verdict) == {"tie"}


@pytest.mark.parametrize("method", SINGLE)
def test_methods_of_one_judgment_differ_in_their_prompt(server, method):
    run(server, [planted_pair(0, 2, 5)], [method], crowd=[])
    (prompt,) = prompts(server, "comparison")
    phrase = {"longprompt": "long and detailed", "evalplan": "evaluation plan", "16-criteria": "sixteen criteria"}
    assert [name for name, text in phrase.items() if text in prompt] == [method] * (method in phrase)


@pytest.mark.parametrize("order", ["given", "both"])
def test_aggregation_sees_the_judgments_that_the_majority_counts_in_its_own_order(server, order):
    run(server, [planted_pair(0, 2, 5)], ["maj@3", "agg@3"], crowd=[], order=order)
    orders = 2 if order == "both" else 1
    assert server.kinds() == {"comparison": 3 * orders, "aggregation": orders}
    for prompt in prompts(server, "aggregation"):
        shown = sections(prompt)
        reviews = [text for title, text in shown.items() if title.startswith("Review ")]
        a = re.search(r"quality=\d", shown["Assistant A's answer"])[0]
        assert len(reviews) == 3
        assert all(f"Assistant A shows {a}" in review for review in reviews)


def test_random_selection_judges_only_what_it_drew(server):
    frame = run(server, [planted_pair(0, 2, 5)], ["cce-random@3"])
    assert server.kinds()["comparison"] == 3
    assert frame.selected.tolist() == [3]


@pytest.mark.parametrize(
    ("method", "lost"),
    [
        ("cce-praising@4", [0]),
        ("cce-criticizing@4", [4]),
        ("cce-balanced@4", [2]),
        ("cce-balanced@2", [1]),
        ("cce@4", [4]),
    ],
)
@pytest.mark.parametrize("order", ["given", "both"])
def test_selections_show_the_kind_that_they_name(server, method, lost, order):
    run(server, [planted_pair(0, 3, 6)], [method], order=order)
    for request in server.of_kind("final"):
        notes = notes_of(request)
        assert len(notes) == int(method[-1])
        assert [
            sum("More shine on Assistant A" not in n and "More shine on Assistant B" not in n for n in notes)
        ] == lost


@pytest.mark.parametrize("order", ["given", "both"])
@pytest.mark.parametrize("method", ["cce-random@8", "cce-praising@8", "cce-criticizing@8", "cce-balanced@8"])
def test_without_removal_the_outcome_stays_under_the_right_name(server, method, order):
    run(server, [planted_pair(0, 3, 6)], [method], order=order)
    assert server.kinds()["removal"] == 0
    notes = [note for request in server.of_kind("final") for note in notes_of(request)]
    assert len(notes) == (4 if "ing@" in method else 8) * (2 if order == "both" else 1)
    for note in notes:
        qualities = {name: int(q) for name, q in re.findall(r"Assistant (\w) shows quality=(\d)", note)}
        better = max(qualities, key=qualities.get)
        assert f"Assistant {better} is better" in note
        assert re.search(rf"\[ ?\[{better}\] ?\]", note)


def test_all_selections_draw_from_one_pool(server, pairs):
    every = [f"cce-{name}@{n}" for name in ("random", "praising", "criticizing", "balanced") for n in (2, 4)]
    run(server, pairs, [*every, "cce-random+removal@4", "cce@4"])
    assert server.kinds()["comparison"] == 2 * len(CROWD) * len(pairs)


def test_all_selections_draw_in_one_order():
    # Every comparison is lost, so that criticizing selection finds the very ones that random selection draws.
    with FakeServer() as server:
        crowd = [f"crowd-{quality}" for quality in (9, 10, 11, 12, 13)]
        for seed in range(3):
            run(server, [planted_pair(0, 2, 5)], ["cce-random@2", "cce-criticizing@2"], crowd=crowd, seed=seed)
        assert server.kinds()["final"] <= 3
        drawn = {tuple(notes_of(request)) for request in server.of_kind("final")}
        assert len(drawn) > 1


@pytest.mark.parametrize("name", ["random", "praising", "criticizing", "balanced", "random+removal"])
def test_budgets_of_every_selection_are_nested(server, name):
    run(server, [planted_pair(0, 3, 6)], [f"cce-{name}@2", f"cce-{name}@4"])
    smaller, larger = sorted((set(notes_of(request)) for request in server.of_kind("final")), key=len)
    assert smaller < larger


def test_a_planted_judges_accuracies_are_recovered_method_by_method():
    pairs = [planted_pair(n, *((4, 6) if n % 2 else (6, 3))) for n in range(100)]
    methods = [*ACCURACY, "maj@3", "cce-praising@4", "cce-criticizing@4", "cce@4"]
    methods[methods.index("agg")] = "agg@3"
    with FakeServer() as server:
        table = accuracy_table(scored(run(server, pairs, methods, "fallible-judge"))).set_index("method")
    planted = {name: ACCURACY[name.split("@")[0]] for name in methods if name.split("@")[0] in ACCURACY}
    votes = [sum(is_right_on(n, "vanilla", ACCURACY["vanilla"], sample) for sample in range(3)) for n in range(100)]
    planted |= {
        "maj@3": sum(count >= 2 for count in votes),
        "cce-praising@4": PRAISED,
        "cce-criticizing@4": PRAISED + FOR_LOSSES,
        "cce@4": PRAISED + FOR_LOSSES + FOR_REMOVAL,
    }
    assert table.accuracy.to_dict() == planted
    assert ((table.accuracy_low < table.accuracy) & (table.accuracy < table.accuracy_high)).all()
