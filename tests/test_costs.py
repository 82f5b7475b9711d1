"""What each method costs, measured against the planted server, and that docs/what-it-costs.md says so."""

import re
from functools import cache

import pytest

from cce import evaluate
from cce.crowd.methods.adaptive import expected_members, lead_needed
from cce.names import method_parts
from tests.conftest import planted_pair
from tests.fake_server import FakeServer
from tests.test_project import ROOT

PAGE = (ROOT / "docs" / "what-it-costs.md").read_text()
TOLD = re.compile(r"^\| `(\S+)` \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|", re.M)
ROWS = {method: tuple(map(float, told)) for method, *told in TOLD.findall(PAGE)}
# A of quality 2 loses to six of these, and B of quality 7 to two.
CROWD = [f"crowd-{quality}" for quality in (0, 1, 3, 4, 5, 6, 8, 9)]
PAIRS = [planted_pair(place, *((2, 7) if place % 2 else (7, 2))) for place in range(6)]


@cache
def measured(method: str, order: str) -> tuple[float, float]:
    """Calls and tokens per pair."""
    with FakeServer() as server:
        rows = evaluate(PAIRS, [method], [server.model("judge")], list(map(server.model, CROWD)), order=order)
    return rows.calls.mean(), (rows.prompt_tokens + rows.completion_tokens).mean()


@pytest.mark.filterwarnings("ignore:none of")
@pytest.mark.parametrize("method", ROWS)
def test_the_page_says_what_a_pair_takes(method):
    (calls, tokens), (both, _) = measured(method, "given"), measured(method, "both")
    told_calls, told_both, told_share = ROWS[method]
    assert (calls, both) == (pytest.approx(told_calls, abs=0.06), pytest.approx(told_both, abs=0.06))
    _, vanilla = measured("vanilla", "given")
    assert tokens / vanilla == pytest.approx(told_share, abs=0.06)


def test_the_page_has_a_row_of_every_family_that_asks_a_model_in_a_way_of_its_own():
    wanted = {"vanilla", "criteria", "self-rubric", "rate", "maj", "agg", "jury", "count", "cce", "cce-random"}
    wanted |= {"cce-adaptive", "cce-escalated", "cce-again", "refine"}
    assert wanted <= {method_parts(method).family for method in ROWS}


def test_the_page_says_how_far_an_adaptive_crowd_is_asked():
    told = re.findall(r"^\| (\d+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|", PAGE, re.M)
    assert len(told) == 3
    for members, lead, *asked in told:
        assert lead_needed(int(members)) == int(lead)
        expected = [expected_members(int(members), agreement) for agreement in (1.0, 0.8, 0.5)]
        assert [f"{one:.1f}" for one in expected] == asked
