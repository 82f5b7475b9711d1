"""Distillation sets: what becomes of a teacher's judgments, and who judges with what name."""

import pytest

from cce import evaluate, load_pairs
from cce.crowd.marks import read_text
from cce.errors import BadInput
from cce.models.engines import JUDGE
from cce.models.ledger import Ledger
from cce.models.training import train
from cce.options import Options
from cce.students import (
    JUDGE_CARD,
    JUDGE_RECIPE,
    drawn_evenly,
    judged_by_students,
    taught_by,
    taught_by_labels,
    teaching_sets,
)
from tests.conftest import planted_pair


def said(example: dict) -> str:
    return example["completion"][0]["content"]


def shown(example: dict) -> str:
    return example["prompt"][0]["content"]


def judged(server, pairs, methods=("vanilla",), judge="judge", **options):
    crowd = [server.model("crowd-4"), server.model("crowd-9")] if "cce" in "".join(methods) else []
    return evaluate(pairs, methods, [server.model(judge)], crowd, **options)


def test_an_example_is_the_vanilla_prompt_and_the_judgment_as_it_was_written(server, pairs):
    judgments = judged(server, pairs)
    examples = taught_by(pairs, judgments)
    assert [said(one) for one in examples] == judgments.text.tolist()
    asked = [request["messages"][-1]["content"] for request in server.requests]
    assert sorted(map(shown, examples)) == sorted(asked)


def test_an_example_of_cce_shows_nothing_of_the_crowd(server, pairs):
    judgments = judged(server, pairs, ["cce@4"])
    assert (judgments.notes > 0).all()
    examples = taught_by(pairs, judgments)
    assert [said(one) for one in examples] == judgments.text.tolist()
    assert not any("Note 1" in shown(one) or "quality=9" in shown(one) for one in examples)


def test_both_orders_give_an_example_each_and_even_verdicts(server, pairs):
    examples = taught_by(pairs, judged(server, pairs, order="both"))
    assert len(examples) == 2 * len(pairs)
    for given, swapped, pair in zip(examples[::2], examples[1::2], pairs, strict=True):
        assert read_text(said(given)) == float(pair.label == "A") == 1 - read_text(said(swapped))
        assert shown(given).index(pair.answer_a) < shown(given).index(pair.answer_b)
        assert shown(swapped).index(pair.answer_b) < shown(swapped).index(pair.answer_a)


def test_a_verdict_from_the_distribution_is_written_behind_the_last_whole_sentence(server, pairs):
    judgments = judged(server, pairs, verdict="distribution", order="both")
    broken_off = judgments.assign(text="A is right. It names the source and", text_swapped="no sentence, ever")
    examples = taught_by(pairs, broken_off)
    assert [said(example) for example in examples] == [f"A is right.\n[[{pair.label}]]" for pair in pairs]


def test_what_the_label_contradicts_teaches_nobody_unless_wanted(server):
    # Pairs labelled against their qualities: the planted judge is wrong on each.
    wrong = [planted_pair(place, 2, 7).model_copy(update={"label": "A"}) for place in range(3)]
    right = [planted_pair(place, 6, 3) for place in range(3, 5)]
    judgments = judged(server, wrong + right)
    assert len(taught_by(wrong + right, judgments)) == 2
    assert len(taught_by(wrong + right, judgments, drop_contradicted=False)) == 5


def test_unreadable_and_tied_judgments_teach_nobody(server, pairs):
    judgments = judged(server, pairs)
    judgments.loc[0, "verdict"], judgments.loc[1, "verdict"] = None, "tie"
    assert len(taught_by(pairs, judgments)) == len(pairs) - 2


def test_an_order_that_says_the_opposite_of_the_whole_is_left_out(server, pairs):
    judgments = judged(server, pairs, order="both")
    judgments.loc[0, "text_swapped"] = judgments.loc[0, "text"]
    assert len(taught_by(pairs, judgments)) == 2 * len(pairs) - 1


def test_students_get_equally_many_examples_half_of_them_for_each_side(server, pairs):
    judgments = judged(server, pairs, ["vanilla", "cce@2"])
    judgments.loc[(judgments.method == "vanilla") & (judgments.id == pairs[0].id), "verdict"] = None
    sets = teaching_sets(pairs, judgments, mixed=True)
    assert {name: len(examples) for name, examples in sets.items()} == {"vanilla": 4, "cce@2": 4, "vanilla + cce@2": 8}
    for examples in sets.values():
        assert sum(map(read_text, map(said, examples))) == len(examples) / 2
    assert {name: len(examples) for name, examples in teaching_sets(pairs, judgments, samples=2).items()} == {
        "vanilla": 2,
        "cce@2": 2,
    }


def test_a_smaller_draw_is_part_of_a_larger_one(server, pairs):
    examples = taught_by(pairs, judged(server, pairs, order="both"))
    few, many = drawn_evenly(examples, 4, seed=3), drawn_evenly(examples, 10, seed=3)
    assert all(one in many for one in few)
    assert drawn_evenly(examples, 4, seed=4) != few


def test_labels_teach_their_reasons_in_both_orders():
    pair = load_pairs("pocket_train", limit=1)[0]
    given, swapped = taught_by_labels([pair])
    assert pair.why in said(given) and pair.why in said(swapped)
    assert said(given).endswith(f"[[{pair.label}]]") and not said(swapped).endswith(f"[[{pair.label}]]")
    with pytest.raises(BadInput, match="`why`"):
        taught_by_labels([planted_pair(1, 2, 3)])


def test_the_embedded_judge_is_what_the_kits_own_pairs_teach(tmp_path):
    examples, dry = taught_by_labels(load_pairs("pocket_train")), Options(dry_run=Ledger())
    student = train(examples, JUDGE_RECIPE, JUDGE_CARD, tmp_path / "s", dry)
    assert f"| name | {student.name} |" in JUDGE.with_suffix(".md").read_text()


def test_no_example_of_the_embedded_judge_is_a_pair_that_the_demo_judges():
    taught = {pair.instruction for pair in load_pairs("pocket_train")}
    assert not taught & {pair.instruction for pair in load_pairs("pocket")}


def test_students_judge_under_their_short_names_beside_the_floor(server, pairs):
    students = {"untrained": server.model("judge"), "student: vanilla": server.model("judge-2")}
    published = {server.model("pandalm-7b"): "pandalm"}
    frame = judged_by_students(pairs, students, published, Options(order="both"))
    assert frame.groupby("judge", sort=False).method.agg(lambda methods: ", ".join(methods.unique())).to_dict() == {
        "none": "longer, shorter",
        "untrained": "vanilla",
        "student: vanilla": "vanilla",
        "pandalm-7b": "pandalm",
    }
    assert (frame.groupby(["judge", "method"]).id.count() == len(pairs)).all()
