"""`cce plan`: a run in which nobody is asked comes to no fewer calls than the run then makes, and leaves no trace."""

import inspect
import re
import subprocess
import sys
from collections import Counter
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
import yaml

import cce
from cce import Options, evaluate, pick
from cce.benchmarks.pair import Pool, drawn
from cce.benchmarks.sample import Sample, Stratum
from cce.crowd.phrasings import cut_outcome
from cce.models.dry_run import supposed
from cce.models.ledger import Ledger
from cce.models.wire import Expects, Request
from cce.names import short_name
from cce.planning import ASKING, plan_profile
from cce.prices import TOTAL, model_table, price_table, priced, scaled
from cce.runner import checked, run_profile
from tests.conftest import planted_pair
from tests.fake_server import FakeServer
from tests.published import write_benchmarks, write_chat

ROOT = Path(__file__).parents[1]
# The crowd's 8 and 9 beat every answer; 1 and 4 beat some of them.
PAIRS = [planted_pair(place, *sides) for place, sides in enumerate([(2, 7), (3, 6), (6, 5), (5, 3), (2, 6), (7, 3)])]
PROTOCOLS = list(product(("given", "both"), ("text", "distribution")))
SELECTIONS = [f"cce-{name}" for name in ("random", "praising", "criticizing", "balanced")]
SELECTIONS += ["cce", *(f"{name}+removal" for name in SELECTIONS if name != "cce-criticizing")]


def planned(ledger: Ledger) -> Counter:
    """The calls of a dry run by model, without those that the store has."""
    return Counter(need.model for need in ledger.needed.values() if not need.in_store)


def both(server: FakeServer, folder: Path, methods: list[str], crowd: list[str], seeds=(0,), judge="judge", **options):
    """What a dry run of these methods comes to, and what the run then asks for."""
    models = [server.model(judge)], [server.model(name) for name in crowd]
    known, asked = Options(store=folder / "s.sqlite", **options), len(server.requests)
    ledger = Ledger()
    for seed in seeds:
        evaluate(PAIRS, methods, *models, known, seed=seed, dry_run=ledger)
    assert len(server.requests) == asked
    for seed in seeds:
        evaluate(PAIRS, methods, *models, known, seed=seed)
    return planned(ledger), Counter(request["model"] for request in server.requests[asked:])


@pytest.mark.parametrize(("order", "verdict"), PROTOCOLS)
def test_calls_are_exact_where_outcomes_decide_nothing(server, tmp_path, order, verdict):
    methods = ["longer", "vanilla", "longprompt", "cce-random@2", "cce-random@3", "criteria", "jury", "jury-mean"]
    methods += ["cce-random@3~flipped50", "cce-random@3~liar50"]
    # The fake judge says the same in every vote, and alike votes share the question for a letter.
    methods += ["maj@3", "agg@3", "rate@3"] if verdict == "text" else []
    of_plan, of_run = both(server, tmp_path, methods, ["crowd-8", "crowd-1"], order=order, verdict=verdict)
    assert of_plan == of_run


# Each judge, and each protocol, without each with each.
MIXED = [("judge", "given", "text"), ("leaning-judge", "both", "text"), ("mute-judge", "given", "distribution")]
MIXED += [("some-judge", "both", "distribution"), ("some-judge", "given", "text")]


@pytest.mark.slow
@pytest.mark.parametrize(("judge", "order", "verdict"), MIXED)
def test_calls_are_a_bound_from_above_where_outcomes_tell_selections_apart(server, tmp_path, judge, order, verdict):
    methods = ["vanilla", *(f"{name}@{budget}" for name in SELECTIONS for budget in (1, 2, 4))]
    crowd = ["crowd-8", "crowd-4", "crowd-1"]
    of_plan, of_run = both(server, tmp_path, methods, crowd, (0, 1, 2), judge, order=order, verdict=verdict)
    assert {model for model in of_run if of_run[model] > of_plan[model]} == set()


@pytest.mark.parametrize("order", ["given", "both"])
def test_counts_and_foreign_notes_are_bounded_too(server, tmp_path, order):
    methods = [f"{name}@{budget}" for name in ("count", "cce-shuffled", "cce") for budget in (1, 4)]
    of_plan, of_run = both(
        server, tmp_path, methods, ["crowd-8", "crowd-4", "crowd-1"], judge="some-judge", order=order
    )
    assert {model for model in of_run if of_run[model] > of_plan[model]} == set()


def test_noise_and_refinement_are_bounded_too(server, tmp_path):
    noisy = [f"cce@4~{noise}" for noise in ("flipped20", "flipped60", "foreign60", "liar60")]
    methods = ["vanilla", "cce@4", *noisy, "cce-praising@2~flipped60", "count@4~flipped20", "refine@2", "cce-again@2"]
    of_plan, of_run = both(server, tmp_path, methods, ["crowd-8", "crowd-4"], judge="some-judge")
    assert {model for model in of_run if of_run[model] > of_plan[model]} == set()


def test_noise_may_choose_other_notes_than_a_plan_supposes(server, tmp_path):
    crowd = ["crowd-0", "crowd-0", "crowd-0", "crowd-10", "crowd-9", "crowd-8"]
    of_plan, of_run = both(server, tmp_path, ["cce@2", "cce@2~flipped50"], crowd)
    assert of_plan["judge"] >= of_run["judge"]


def test_one_selection_by_one_seed_is_planned_to_the_call_where_all_is_lost(server, tmp_path):
    of_plan, of_run = both(server, tmp_path, ["vanilla", "cce@2", "cce@4"], ["crowd-8", "crowd-9"], order="both")
    assert of_plan == of_run


def test_what_the_store_knows_is_no_longer_supposed(server, tmp_path):
    crowd = ["crowd-8", "crowd-4", "crowd-1"]
    both(server, tmp_path, ["cce-criticizing@4"], crowd)
    # Every comparison is known: who lost is no matter of supposing, and the plan is exact.
    of_plan, of_run = both(server, tmp_path, ["vanilla", *(f"{name}@2" for name in SELECTIONS)], crowd)
    assert of_plan == of_run


def test_responses_that_are_each_others_crowd_are_bounded_too(server, tmp_path):
    pools = [
        Pool(id=str(n), instruction=f"Q{n}?", responses=[f"{n} quality={q}" for q in range(2, 6)]) for n in range(5)
    ]
    ledger, model = Ledger(), server.model("judge")
    pick(pools, "vanilla", model, dry_run=ledger)
    pick(pools, "cce@4", model, dry_run=ledger)
    assert not server.requests
    pick(pools, "vanilla", model, store=tmp_path / "s.sqlite")
    pick(pools, "cce@4", model, store=tmp_path / "s.sqlite")
    assert 25 * len(pools) <= len(server.requests) <= planned(ledger)["judge"] <= 30 * len(pools)


@pytest.fixture
def profile(tmp_path, monkeypatch, server):
    """A project with the kit's notebooks and a profile of its own, on planted pairs and the fake server."""
    (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
    (tmp_path / "params/mine").mkdir(parents=True)
    lines = (pair.model_dump_json(exclude_none=True, exclude={"benchmark"}) for pair in PAIRS)
    (tmp_path / "pairs.jsonl").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)

    def write(stem: str, **more) -> None:
        settings = {
            "benchmarks": ["pairs.jsonl"],
            "judges": [server.model("judge")],
            "crowd": [server.model("crowd-8"), server.model("crowd-9")],
            "limit": None,
            "concurrency": 8,
            **{"store": "s.sqlite", "out": "out", "figures": "out"},
        }
        (tmp_path / f"params/mine/{stem}.yaml").write_text(yaml.safe_dump(settings | more))

    return write


def planned_tables(exact: bool = True) -> tuple[pd.DataFrame, pd.DataFrame]:
    """By notebook, the last for all; and by model."""
    planned, failure = plan_profile("mine", exact=exact)
    assert failure is None
    planned = list(map(priced, planned))
    return price_table(planned).set_index("notebook"), model_table(planned).set_index("model")


@pytest.mark.slow
def test_a_notebook_is_planned_to_the_call_and_what_the_store_holds_costs_nothing(profile, server, tmp_path):
    profile("01_judge_accuracy", methods=["vanilla", "longprompt", "maj@3", "agg@3", "cce-random@2", "cce@4"])
    table, models = planned_tables()
    assert not server.requests
    assert {path.name for path in tmp_path.iterdir()} == {"notebooks", "params", "pairs.jsonl"}
    run_profile("mine")
    assert models.calls[models.calls > 0].to_dict() == Counter(request["model"] for request in server.requests)

    held = (tmp_path / "s.sqlite").read_bytes()
    done, _ = planned_tables()
    assert (tmp_path / "s.sqlite").read_bytes() == held
    assert (done.calls == 0).all() and (done.dollars == 0).all() and (done.hours == 0).all()
    assert done.in_store[TOTAL] == table.calls[TOTAL]


@pytest.mark.slow
def test_students_are_neither_trained_nor_served_and_their_calls_are_counted(profile, server, tmp_path):
    profile(
        "05_distillation",
        methods=["vanilla", "cce@2"],
        teach_on="pairs.jsonl",
        teach_limit=None,
        drop_contradicted=False,
        beside={"untrained": server.model("judge")},
        published={server.model("some-judge"): "judgelm"},
        trained="trained",
    )
    _, table = planned_tables()
    students = table[table.index.str.startswith("student-")]
    assert students.calls.tolist() == [2 * len(PAIRS)] * 2
    assert table.calls["some-judge"] == 2 * len(PAIRS)
    assert not server.requests
    assert not (tmp_path / "trained").exists()


@pytest.mark.slow
def test_models_that_were_taught_by_picks_are_planned_each(profile, server):
    profile(
        "06_rejection_sampling",
        benchmarks=["pocket_talk", "pocket"],
        crowd=[],
        methods=["random", "vanilla", "cce@4"],
        graders=[server.model("grader")],
        grader_verdict="text",
        grader_order="given",
        samplers=[server.model("sampler")],
        verdict="text",
        instruction_limit=2,
        limit=3,
    )
    calls = planned_tables()[1].calls
    assert calls["sampler"] == 2 * 4
    # 12 comparisons per pool and 6 final judgments; all but one of the comparisons may be rewritten as a note. That one
    # is of two responses of which the first stands as A, and the second as B, in no other pair.
    assert calls["judge"] == 2 * (12 + 6 + 11)
    # A grade for each of two turns, and a comparison with the reference, of four models.
    assert calls["grader"] == 4 * (3 * 2 + 3)
    assert not server.requests


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, _ in checked("paper", None) if name[:2] in ("01", "02", "05", "06")])
def test_every_cell_of_tables_1_to_4_has_a_plan(name, tmp_path, monkeypatch):
    write_benchmarks(tmp_path / "data")
    write_chat(tmp_path / "data")
    monkeypatch.setenv("CCE_DATA", str(tmp_path / "data"))
    ((_, given),) = checked("paper", [name])
    # Prometheus's wording is in a package of its own, which need not be installed.
    published = {model: form for model, form in given.get("published", {}).items() if "prometheus" not in form}
    few = {"limit": 2, "teach_limit": 24, "instruction_limit": 2, "published": published, "store": str(tmp_path / "s")}
    by_hand = {part: value for part, value in few.items() if part in given}
    ((_, rows, _, _),), failure = plan_profile("paper", [name], by_hand, exact=True)
    assert failure is None
    needed = Counter(rows.model)
    asked = [*given["judges"], *given["crowd"], *given.get("samplers", []), *given.get("graders", []), *published]
    assert {short_name(model) for model in asked} <= needed.keys()
    assert needed["gpt-4o"] > 25


@pytest.mark.slow
def test_a_plan_needs_no_key_and_knows_prices_and_hours(profile):
    profile(
        "01_judge_accuracy",
        judges=["gpt-4o"],
        crowd=["gpt-4o", "unknown@https://models.example/v1"],
        methods=["vanilla", "cce@2"],
        max_tokens=100,
        max_calls=1,
    )
    notebooks, table = planned_tables()
    judge, total = table.loc["gpt-4o"], notebooks.loc[TOTAL]
    assert judge.dollars == pytest.approx((2.5 * judge.tokens_in + 10 * judge.tokens_out) / 1e6)
    assert judge.tokens_out == 100 * judge.calls
    assert judge.in_batches == judge.dollars / 2
    assert pd.isna(table.dollars["unknown"]) and total.dollars == pytest.approx(judge.dollars)
    assert total.hours == pytest.approx(judge.calls * 100 / 30 / 8 / 3600)


@pytest.mark.slow
def test_the_command_says_what_was_assumed_and_missing_data_by_name(profile):
    profile("01_judge_accuracy", methods=["vanilla"], judges=["judge@https://models.example/v1"], crowd=[])
    done = subprocess.run([sys.executable, "-m", "cce", "plan", "mine"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stderr.strip() == "planning 01_judge_accuracy"
    assert "4 characters per token" in done.stdout and "bound from above" in done.stdout
    assert "No price is known for judge" in done.stdout
    profile("01_judge_accuracy", data_dir="nowhere", benchmarks=["judgebench"])
    planned, failure = plan_profile("mine")
    assert planned == []
    assert re.search("DataMissing: data folder .*nowhere does not exist", str(failure))


def test_every_function_that_may_ask_is_known_to_a_plan():
    asking = {
        name for name in cce.__all__ if "options" in getattr(inspect.signature(getattr(cce, name)), "parameters", ())
    }
    assert asking - ASKING == {"LLM"}


def test_a_sample_tells_of_all_within_its_interval_and_is_exact_where_it_is_all(profile, tmp_path):
    many = [planted_pair(place, 2, 7, subset="x" * (place % 7)) for place in range(40)]
    many = [
        pair.model_copy(update={"instruction": pair.instruction + " And so on." * (n % 9)})
        for n, pair in enumerate(many)
    ]
    lines = (pair.model_dump_json(exclude_none=True, exclude={"benchmark"}) for pair in many)
    (tmp_path / "pairs.jsonl").write_text("\n".join(lines))
    profile("01_judge_accuracy", methods=["vanilla", "longprompt", "cce@2"], judges=["gpt-4o"])
    (exact, _), (sampled, _) = planned_tables(), planned_tables(exact=False)
    all_of_it, few = exact.loc[TOTAL], sampled.loc[TOTAL]
    assert few.calls == all_of_it.calls
    assert few.dollars_low < all_of_it.dollars < few.dollars_high and few.dollars != all_of_it.dollars
    assert few.in_batches_high == pytest.approx(few.dollars_high / 2)
    assert pd.isna(all_of_it.dollars_low)


def test_what_cce_alone_asks_of_its_crowd_costs_less_where_the_crowd_is_adaptive(profile):
    crowd = ["gpt-4o-mini"] * 6
    profile("01_judge_accuracy", methods=["vanilla", "cce@4"], judges=["gpt-4o"], crowd=crowd)
    alone = planned_tables()[0].loc[TOTAL]
    assert alone.adaptive_low < alone.adaptive < alone.adaptive_high < alone.in_batches
    # The count takes the same comparisons: without a crowd that is asked whole nothing is saved but its rewritings.
    profile("01_judge_accuracy", methods=["vanilla", "cce@4", "count@4"], judges=["gpt-4o"], crowd=crowd)
    beside = planned_tables()[0].loc[TOTAL]
    assert alone.in_batches - alone.adaptive > beside.in_batches - beside.adaptive > 0


def test_questions_are_scaled_by_their_items_and_differ_as_they_do_in_all_sets():
    strata = [Stratum(100, 50, Counter(a=2, b=2)), Stratum(30, 30, Counter(c=1, d=1))]
    needed = pd.DataFrame({"question": [*"aabbcd", ""], "value": [1, 3, 3, 5, 2, 4, 7]}, dtype=object)
    told = scaled(needed.value.astype(float), needed.question, strata)
    # 12 over 4 items of 100, and 6 over 2 of 30, and 7 that no sample holds.
    assert told.value == 300 + 90 + 7
    # Both questions of either set lie a third from its mean: a variance of (4 / 9 / 2, over two degrees of freedom).
    apart = (2 / 9 + 2 / 9) / 2
    error = (apart * (300**2 * (1 - 2 / 50) / 2 + 90**2 * (1 - 2 / 30) / 2)) ** 0.5
    assert told.high - told.value == pytest.approx(4.3027 * error, rel=1e-4)


def test_a_smaller_limit_is_sampled_within_the_sample_of_a_larger_one():
    sample = Sample(3)
    items = [planted_pair(place, 2, 7) for place in range(60)]
    few, fewer = (sample.of(items, ("pairs", "planted"), limit, 0) for limit in (None, 20))
    assert len(few) == len(fewer) == 3 and few == fewer
    assert [stratum.items for stratum in sample.strata] == [60, 20]
    assert set(few) <= set(drawn(items, "pairs", "planted", 20, 0))


def test_outcome_removal_leaves_what_a_supposed_judge_wrote():
    request = Request({"model": "m", "messages": [], "max_tokens": 900, "top_logprobs": None}, Expects("removal"))
    rewritten = supposed(request, 2000, "0123456789abcdef").text
    assert cut_outcome(rewritten) == rewritten.strip()
