"""Notebook 00: one pair through every stage, in every profile and from the user's own file; its tables, its figure."""

import nbformat
import pytest

from cce import judge, judge_by_each
from cce.analysis.figures import one_pair
from cce.analysis.tables import CROWD, crowd_table, verdict_table
from cce.benchmarks.pair import Pair, pair_named
from cce.errors import BadInput
from tests.conftest import given_by, planted_pair
from tests.published import write_benchmarks
from tests.test_profiles import ROOT, redirected, run, run_here

HOSTILE = "<script>alert('x')</script> {{ 7 * 7 }}"


@pytest.mark.parametrize("file", sorted(ROOT.glob("params/*/00_one_pair.yaml")), ids=lambda file: file.parent.name)
def test_it_takes_one_pair_through_every_stage_in_its_profile(file, server, tmp_path):
    write_benchmarks(tmp_path / "data")
    parameters = redirected(given_by(file), server, server, tmp_path)
    made = run("00_one_pair", parameters, tmp_path)
    judgments, verdicts, crowd = made["judgments"], made[""], made["_crowd"]
    assert judgments.method.tolist() == verdicts.method.tolist() == parameters["methods"]
    assert judgments.id.nunique() == 1
    assert verdicts.crowd_judgments.tolist() == [0, 0, 0, 2 * len(parameters["crowd"])]
    assert len(crowd) == 2 * len(parameters["crowd"])
    assert crowd.selected.sum() == verdicts.selected.max() == judgments.selected.max()
    # One call more is for the example of a pair of one's own, and one for the method in plain calls, whose budget is 4.
    assert verdicts.calls.sum() + 1 <= len(server.requests) <= verdicts.calls.sum() + 2


def test_the_method_in_plain_calls_asks_for_what_judge_asks_for_and_comes_to_the_same(server, tmp_path):
    write_benchmarks(tmp_path / "data")
    given = redirected(given_by(ROOT / "params/demo/00_one_pair.yaml"), server, server, tmp_path)
    given["crowd"] = [server.model(name) for name in ("crowd-0", "crowd-9", "crowd-9")]
    notebook = ROOT / "notebooks/00_one_pair.ipynb"
    plain = run_here(notebook, given, until="cce.judge(chosen")
    asked = len(server.requests)
    result = judge(plain["chosen"], "cce@4", given["judges"][0], given["crowd"], plain["options"])
    assert len(server.requests) == asked
    assert plain["rationale"] == result["text"] and plain["notes"] == [
        note["shown"] for note in result["trace"]["notes"]
    ]


@pytest.mark.slow
@pytest.mark.parametrize("order", ["both"])
def test_a_pair_of_the_users_own_is_named_by_its_id_and_shown_as_text(server, tmp_path, order):
    mine = planted_pair(1, 5, 7, why=HOSTILE, crowd=(f"{HOSTILE} quality=8",))
    pairs = [planted_pair(0, 3, 2), mine.model_copy(update={"instruction": HOSTILE})]
    (tmp_path / "my_pairs.jsonl").write_text("\n".join(pair.model_dump_json(exclude_defaults=True) for pair in pairs))
    parameters = {
        "benchmarks": [str(tmp_path / "my_pairs.jsonl")],
        "pair": "pair-1",
        "judges": [server.model("obedient-judge"), server.model("judge")],
        "crowd": [server.model("crowd-9")],
        "methods": ["longer", "vanilla", "cce@4"],
        "limit": None,
        "order": order,
    } | {"store": str(tmp_path / "s.sqlite"), "out": str(tmp_path), "figures": str(tmp_path)}
    made = run("00_one_pair", parameters, tmp_path, kernel=True)
    assert made["judgments"].method.tolist() == ["longer", "vanilla", "cce@4", "vanilla", "cce@4"]
    assert set(made["judgments"].id) == {"pair-1"}
    assert made["_crowd"].model.isna().sum() == 4
    cells = nbformat.read(tmp_path / "00_one_pair.ipynb", 4).cells
    pages = [
        out.data["text/html"] for cell in cells for out in cell.get("outputs", []) if "text/html" in out.get("data", {})
    ]
    assert len(pages) == 9
    assert "<script" not in "".join(pages) and "{{ 7 * 7 }}" in pages[0]


def test_a_name_that_no_pair_has_is_refused_with_some_that_there_are(pairs):
    assert pair_named(pairs, None) is pairs[0]
    assert pair_named(pairs, "pair-3") is pairs[3]
    with pytest.raises(
        BadInput, match=r"pair 'pair-9': no such id among these 6 pairs \(pair-0, pair-1, pair-2 \.\.\.\).*limit"
    ):
        pair_named(pairs, "pair-9")


def test_the_tables_say_how_each_comparison_ended_and_each_verdict(server):
    pair = planted_pair(0, 5, 7, crowd=("At hand, quality=1",))
    crowd = [server.model("crowd-6"), server.model("crowd-9")]
    results = judge_by_each(pair, ["longer", "cce@4"], [server.model("judge")], crowd)
    rows = crowd_table(results)
    assert rows.candidate.tolist() == ["A", "B"] * 3
    assert rows.outcome.tolist() == ["won", "won", "lost", "won", "lost", "lost"]
    assert rows.selected.tolist() == [False, False, True, False, True, True]
    assert rows.member.tolist() == [*"CCDDEE"] and rows.model.isna().tolist() == [True, True] + [False] * 4
    verdicts = verdict_table(results).set_index("method")
    assert verdicts.crowd_judgments.tolist() == [0, 6]
    assert verdicts.correct["cce@4"] and verdicts.p_a["cce@4"] == 0


def test_without_a_crowd_there_is_no_row_of_one(pairs):
    table = crowd_table([judge(pairs[0], "longer")])
    assert table.empty and table.columns.tolist() == CROWD


def test_the_figure_has_every_judgment_and_verdict_and_what_cannot_be_read(server, tmp_path):
    pair = planted_pair(0, 5, 7)
    crowd = [server.model(name) for name in ("crowd-6", "crowd-9")]
    judges = [server.model("judge"), server.model("mute-judge")]
    figure = one_pair(judge_by_each(pair, ["longer", "cce@4"], judges, crowd), tmp_path / "f", "a test")
    titles = [panel.get_title() for panel in figure.axes if panel.get_title()]
    assert titles == ["the crowd of cce@4", "the crowd of cce@4", "verdicts"]
    marks = [line.get_marker() for line in figure.axes[0].lines]
    assert (marks.count("v"), marks.count("^"), marks.count("o")) == (3, 1, 3)
    assert [line.get_marker() for line in figure.axes[1].lines] == ["x"] * 4
    assert [said for text in figure.axes[2].texts if (said := text.get_text())] == ["unreadable"]
    assert (tmp_path / "f.svg").stat().st_size and (tmp_path / "f.png").stat().st_size


def test_the_figure_of_a_pair_without_label_and_crowd_has_the_verdict_alone(tmp_path):
    pair = Pair(id="mine", instruction="Why?", answer_a="So.", answer_b="Because.")
    figure = one_pair([judge(pair, "longer")], tmp_path / "f", "a test")
    assert [panel.get_title() for panel in figure.axes] == ["verdicts"]
    assert len(figure.axes[0].lines) == 1
