"""The embedded model, live: one pair, judged from the distribution in both orders."""

import pytest

from cce import judge, load_pairs


def test_the_embedded_model_judges_a_pair():
    pair = load_pairs("pocket", limit=1)[0]
    row = judge(pair, "vanilla", "embedded", order="both", verdict="distribution", max_tokens=16)
    assert row["verdict"] in ("A", "B", "tie")
    assert 0 < row["p_a"] < 1
    assert row["calls"] == 4
    assert row["completion_tokens"] > 4


def test_reading_its_text_is_warned_of():
    pair = load_pairs("pocket", limit=1)[0]
    with pytest.warns(UserWarning, match="distribution"):
        assert judge(pair, "vanilla", "embedded", max_tokens=4)["verdict"] is None
