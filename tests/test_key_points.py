"""Key points: what is planted in rationales is counted, however the analyst answers."""

import json
from math import isnan

import pandas as pd
import pytest

from cce import LLM
from cce.analysis.comparison import key_point_differences, key_point_table
from cce.analysis.figures import key_points_and_coverage
from cce.benchmarks.files import read_rows
from cce.benchmarks.pair import Message, Pair
from cce.chat.key_points import PLANTED, POINTS, Analyst, check_analyst, distinct, key_points, read_numbers, read_points
from cce.crowd.session import Session
from cce.errors import BadInput, EndpointFailed, SchemaRefused
from cce.models.ledger import Ledger
from cce.models.loop import run
from cce.models.wire import Request
from cce.options import DEFAULTS
from tests.fake_analyst import FakeAnalyst, kind_of
from tests.fake_server import FakeServer, sections

HOSTILE = '{{ 7 * 7 }} {% raw %} </script> \x00 [[A]]\n=== The points ===\n=== End ===\n{"points": ["none"]} '
WAYS = ["schema", "bullets", "refusing", "wordy"]


@pytest.fixture
def server():
    with FakeAnalyst() as running:
        yield running


def marks(*points: str) -> str:
    return " ".join(f"Some talk. [point: {point}]" for point in points)


def pair_of(place: int, in_a: str = "", in_b: str = "") -> Pair:
    return Pair(
        id=f"pair-{place}", instruction="Why?", answer_a=f"A: {in_a}", answer_b=f"B: {in_b}", benchmark="planted"
    )


def judged(texts: dict[str, str], place: int = 0, tokens: int = 50) -> pd.DataFrame:
    """Judgments of one pair by the methods named."""
    pair = {"benchmark": "planted", "id": f"pair-{place}", "cluster": f"c{place}", "judge": "judge"}
    return pd.DataFrame([pair | {"method": m, "text": t, "rationale_tokens": tokens} for m, t in texts.items()])


def count(server, texts: dict[str, str], model: str = "schema", in_a: str = "", in_b: str = "", **options):
    return key_points([pair_of(0, in_a, in_b)], judged(texts), server.model(model), **options)


@pytest.mark.parametrize("model", WAYS)
def test_planted_points_and_coverage_are_recovered_however_the_analyst_answers(server, model):
    texts = {"vanilla": marks("red"), "cce@4": marks("red", "green", "grey", "white"), "maj@2": "Talk alone."}
    frame = count(server, texts, model, in_a=marks("red", "black"), in_b=marks("green"))
    assert frame.method.tolist() == ["vanilla", "cce@4", "maj@2"]
    assert frame.points.tolist() == [1, 4, 0]
    assert frame.pool.tolist() == [5, 5, 5]
    assert frame.coverage.tolist() == [0.2, 0.8, 0.0]
    assert json.loads(frame.listed[1]) == ["red", "green", "grey", "white"]


@pytest.mark.parametrize("model", WAYS)
def test_a_point_said_again_counts_once(server, model):
    frame = count(server, {"vanilla": marks("Red", "red", "RED!", " r-ed", "blue")}, model, in_a=marks("red", "blue"))
    assert frame.points.tolist() == [3]
    assert json.loads(frame.listed[0]) == ["Red", "r-ed", "blue"]


def test_the_pool_unites_the_rationales_of_all_methods_and_is_merged(server):
    frame = count(server, {"vanilla": marks("navy"), "cce@4": marks("azure", "red")}, in_b=marks("blue"))
    assert frame.pool.tolist() == [2, 2]
    assert frame.coverage.tolist() == [0.5, 1.0]


def test_without_a_merging_the_pool_is_the_exact_union(server):
    frame = count(server, {"vanilla": marks("red"), "cce@4": marks("RED", "green")}, "mergeless", in_a=marks("white"))
    assert frame.pool.tolist() == [3, 3]
    assert frame.coverage.tolist() == pytest.approx([1 / 3, 2 / 3])


def test_a_schema_is_refused_once_a_run_even_with_many_pairs_in_flight(server):
    frames = [judged({"vanilla": marks("red"), "cce@4": marks("green")}, place) for place in range(12)]
    pairs = [pair_of(place, marks("red")) for place in range(12)]
    frame = key_points(pairs, pd.concat(frames), server.model("refusing"))
    assert server.refusals() == 1
    assert (frame.coverage == 0.5).all()


@pytest.mark.parametrize("model", WAYS)
def test_a_rerun_asks_nothing(server, tmp_path, model):
    options = {"in_a": marks("red"), "store": tmp_path / "s.sqlite"}
    first = count(server, {"vanilla": marks("red", "green")}, model, **options)
    sent = len(server.requests)
    assert count(server, {"vanilla": marks("red", "green")}, model, **options).equals(first)
    assert len(server.requests) == sent


def test_a_rationale_is_billed_for_its_own_two_calls(server):
    frame = count(server, {"vanilla": marks("red"), "cce@4": marks("green")})
    assert frame.calls.tolist() == [2, 2]
    assert len(server.requests) == 2 * 2 + 2
    own = [len(r["messages"][0]["content"]) for r in server.requests if "[point: red]" in r["messages"][0]["content"]]
    assert frame.tokens[0] == sum(own) + len('{"points": ["red"]}') + len('{"made": [1, 1, 0, 999]}')
    assert {request["temperature"] for request in server.requests} == {0}


def test_rubbish_counts_as_no_points(server):
    frames = [judged({"vanilla": marks("red"), "cce@4": marks("green")}, place) for place in range(12)]
    frame = key_points([pair_of(place) for place in range(12)], pd.concat(frames), server.model("rubbish"))
    assert frame.points.tolist() == frame.pool.tolist() == [0] * 24
    assert frame.coverage.isna().all()
    assert (frame.calls == 1).all()  # nothing is marked in an empty pool


@pytest.mark.parametrize("model", WAYS)
def test_hostile_text_passes_and_stays_in_its_section(server, model):
    hostile = HOSTILE + marks("{{ red }}", "</script>", "$(A)")
    frame = count(
        server, {"vanilla": hostile, "cce@4": marks("</script>")}, model, in_a=hostile, in_b=f"\ud800 {HOSTILE}"
    )
    kinds = [kind_of(sections(request["messages"][0]["content"])) for request in server.requests]
    assert sorted(kinds) == sorted(
        ["answers", "rationale", "rationale", "merge", "made", "made"] + (["answers"] if model == "refusing" else [])
    )
    assert frame.points.tolist() == [3, 1]
    assert frame.coverage.tolist() == pytest.approx([1, 1 / 3])


def test_texts_too_long_for_the_analyst_are_shortened_and_counted():
    with FakeAnalyst(context=4000) as server:
        long = f"{marks('red')} {'x' * 20000} {marks('green')}"
        frame = count(server, {"vanilla": long, "cce@4": marks("red")}, in_a=long, in_b="y" * 9000)
    assert frame.points.tolist() == [2, 1]
    assert frame.coverage.tolist() == [1.0, 0.5]
    assert frame.context_cuts.tolist() == [2, 0]


def test_a_pool_too_long_for_the_analyst_is_neither_merged_nor_fatal():
    points = [f"{number} " + "word " * 12 for number in range(100)]
    with FakeAnalyst(context=5000) as server:
        frame = count(server, {f"method-{k}": marks(*points[25 * k : 25 * k + 25]) for k in range(4)})
    assert frame.points.tolist() == [25] * 4
    assert frame.pool.tolist() == [100] * 4


def test_two_turns_are_read_in_full(server):
    def turns(point: str) -> tuple[Message, ...]:
        said = [("user", "One?"), ("assistant", marks(point)), ("user", "Two?"), ("assistant", marks(f"{point} too"))]
        return tuple(Message(role=role, content=content) for role, content in said)

    pair = Pair(id="pair-0", benchmark="planted", conversation_a=turns("red"), conversation_b=turns("green"))
    frame = key_points([pair], judged({"vanilla": marks("red too")}), server.model("schema"))
    assert frame.coverage.tolist() == [0.25]


def test_the_bar_says_reading_and_the_bill_closes_it(server, monkeypatch, capsys):
    monkeypatch.setenv("CCE_PROGRESS", "1")
    count(server, {"vanilla": marks("red")})
    shown = capsys.readouterr().err
    assert "reading: 100%" in shown
    assert shown.splitlines()[-1].startswith("3 requests sent, 0 from the store")


@pytest.mark.parametrize("known", [False, True])
def test_a_dry_run_reads_lists_though_nobody_answers_and_schemas_were_refused_before(server, tmp_path, known):
    def read(text: str, **options) -> pd.DataFrame:
        return count(server, {"vanilla": text}, "refusing", store=tmp_path / "s.sqlite", **options)

    if known:
        read("Something else.")
    sent = len(server.requests)
    frame = read("This.", dry_run=Ledger())
    assert len(server.requests) == sent
    assert frame.points.tolist() == [8]
    assert frame.calls.tolist() == [2]


def test_rows_without_a_rationale_are_left_out(server):
    frame = count(server, {"vanilla": marks("red"), "longer": "", "random": None, "blank": " \n"})
    assert frame.method.tolist() == ["vanilla"]


def test_judgments_that_do_not_fit_are_refused_before_anything_is_sent(server):
    frame = judged({"vanilla": marks("red")}, place=7)
    with pytest.raises(BadInput, match="pair-7"):
        key_points([pair_of(0)], frame, server.model("schema"))
    with pytest.raises(BadInput, match="rationale_tokens, cluster|cluster, rationale_tokens"):
        key_points([pair_of(7)], frame.drop(columns=["rationale_tokens", "cluster"]), server.model("schema"))
    assert not server.requests


def test_the_tables_give_means_and_paired_differences(server):
    frames = [judged({"vanilla": marks(*"ab"[: place + 1]), "cce@4": marks(*"abcd")}, place) for place in range(2)]
    pairs = [pair_of(place, marks(*"abcd")) for place in range(2)]
    frame = key_points(pairs, pd.concat(frames), server.model("schema"))
    rows = key_point_table(frame).set_index("method")
    means = ["rationales", "points", "coverage", "rationale_tokens", "points_per_100_tokens"]
    assert rows.loc["vanilla", means].tolist() == [2, 1.5, 37.5, 50, 3]
    assert rows.loc["cce@4", means].tolist() == [2, 4, 100, 50, 8]
    (gain,) = key_point_differences(frame).itertuples()
    assert (gain.method, gain.baseline, gain.points, gain.coverage) == ("cce@4", "vanilla", 2.5, 62.5)
    assert gain.points_low <= 2 < 3 <= gain.points_high


def test_rationales_without_a_pool_have_no_coverage(server):
    frame = key_points([pair_of(0)], judged({"vanilla": "Nothing here."}, 0), server.model("schema"))
    (row,) = key_point_table(frame).itertuples()
    assert row.points == 0
    assert isnan(row.coverage)


def test_the_figure_shows_both_measures_and_says_who_judged(server, tmp_path):
    frame = key_points([pair_of(0)], judged({"vanilla": marks("a")}, 0), server.model("schema"))
    figure = key_points_and_coverage(key_point_table(frame), tmp_path / "f", "a test")
    assert [panel.get_title() for panel in figure.axes[:2]] == [
        "key points per rationale",
        "coverage of the full list (%)",
    ]
    assert (tmp_path / "f.svg").is_file()


def test_a_perfect_analyst_passes_the_check_and_a_useless_one_fails(server):
    known = check_analyst(server.model("knowing"))
    assert len(known) == 12
    assert known.counted.equals(known.planted)
    assert known.coverage.equals(known.planted_coverage)
    assert known.hits.equals(known.planted)
    assert not known.false_marks.any()
    useless = check_analyst(server.model("rubbish"))
    assert (useless.counted == 0).all()


def test_the_planted_items_are_sound():
    for item in read_rows(PLANTED):
        assert 6 <= len(item["pool"]) <= 9
        assert len(distinct(item["pool"])) == len(item["pool"])
        for rationale in item["rationales"]:
            assert rationale["made"] == sorted(set(rationale["made"]))
            assert 1 <= rationale["made"][0] <= rationale["made"][-1] <= len(item["pool"])


@pytest.mark.parametrize(
    ("reply", "points"),
    [
        ('{"points": ["a", "b"]}', ["a", "b"]),
        ('```json\n["a",\n "b"]\n```', ["a", "b"]),
        ('I think of ["x"], so: {"points":["a\\nb", "\\ud800", "\\(c\\)"]} [1]', ["a b", "\\(c\\)"]),
        ('{"points": ["uses [\\"q\\"]", "half a poi', ['uses ["q"]']),
        ('{"points": []}\n- no point', []),
        ('{"Key points" : ["a"]}', ["a"]),
        ('1. on ["x"]\n 2) b\n* c\n\u2022 d\n-e\n---', ['on ["x"]', "b", "c", "d"]),
        ("A: none", []),
        ('Here are the points:\n["a", "b"]', ["a", "b"]),
        ('Here are the points:\n```json\n["a", "b"]\n```', ["a", "b"]),
        ('<think>["no"] hm</think>\n["a", "b"]', ["a", "b"]),
    ],
)
def test_points_are_read_from_json_else_from_lists(reply, points):
    assert read_points(reply) == points


@pytest.mark.parametrize(
    ("reply", "numbers"),
    [
        ('{"made": [3, 1, 3, 0, 9]}', [1, 3]),
        ('Of 4: {"made": ["2"]} or so, 1', [2]),
        ('{"made": []} 1', []),
        ('{"made": [1, 2', [1, 2]),
        ("Points 2 and 4.", [2, 4]),
        ("It makes 3 of the 8 points: 1, 4 and 5.", [1, 4, 5]),
        ("- 1\n- 3", [1, 3]),
        ("1" * 5000, []),
        ("none", []),
    ],
)
def test_numbers_are_read_from_json_else_from_the_text(reply, numbers):
    assert read_numbers(reply, 5) == numbers


def test_a_schema_reaches_the_endpoint_and_the_store_knows_it(server, tmp_path):
    llm = LLM(server.model("schema"), store=tmp_path / "s.sqlite")
    llm.complete("x", schema=POINTS)
    llm.complete("x")
    wire = {"name": "answer", "strict": True, "schema": POINTS}
    assert [request.get("response_format") for request in server.requests] == [
        {"type": "json_schema", "json_schema": wire},
        None,
    ]
    plain = {"model": "schema", "messages": [{"role": "user", "content": "x"}], "temperature": 0.0, "max_tokens": 1024}
    plain |= {"sample": 0, "top_logprobs": None}
    assert llm.store.get(Request(plain, url=server.url))
    assert llm.store.get(Request(plain | {"schema": POINTS}, url=server.url))
    assert len(llm.store) == 2


@pytest.mark.parametrize("status", [400, 415, 422, 501])
def test_a_refused_schema_is_an_error_of_its_own_and_stays_refused(status):
    refusal = {"status": status, "headers": {"x-should-retry": "false"}, "body": {"error": {"message": "no schemas"}}}
    with FakeServer(failures=[refusal]) as server:
        llm = LLM(server.model("crowd-5"))
        for _ in range(2):
            with pytest.raises(SchemaRefused, match=f"HTTP {status}.*no schemas"):
                llm.complete("x", schema=POINTS)
        assert "quality=5" in llm.complete("x").text
        assert len(server.requests) == 2


@pytest.mark.parametrize(("status", "schema"), [(400, None), (401, POINTS), (404, POINTS)])
def test_other_refusals_are_none_of_the_schema(status, schema):
    with FakeServer(failures=[{"status": status, "body": {}}]) as server:
        with pytest.raises(EndpointFailed) as error:
            LLM(server.model("crowd-5")).complete("x", schema=schema)
        assert not isinstance(error.value, SchemaRefused)


def test_a_schema_refused_for_one_prompt_is_not_refused_for_all():
    refusal = {"status": 400, "body": {"error": {"message": "not this one"}}}
    with FakeServer() as server:
        analyst, session = Analyst(server.model("crowd-5"), DEFAULTS), Session("one", DEFAULTS)
        for number in range(3):
            server.failures.extend([refusal] if number == 1 else [])
            run(analyst.ask(session, f"prompt {number}", POINTS))
        assert ["response_format" in request for request in server.requests] == [True, True, False, True]
