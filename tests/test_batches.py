"""Batches: completions at half the price, none of them paid for twice, whatever breaks off in between."""

import json

import pytest

from cce.spending import batch_share


@pytest.mark.parametrize(
    ("url", "share"),
    [
        ("https://api.openai.com/v1", 0.5),
        ("https://mine.openai.azure.com/openai/v1", 0.5),
        ("https://api.openai.com.example/v1", 1.0),
        ("http://localhost:8000/v1", 1.0),
        ("", 1.0),
    ],
)
def test_a_batch_costs_half_where_its_host_says_so(url, share):
    assert batch_share("judge", url) == share


def test_the_users_word_on_the_price_of_a_batch_goes_first(tmp_path, monkeypatch):
    entry = {
        "model": "judge",
        "url": "https://models.example/v1",
        "price": {"prompt": 1, "completion": 2, "batch": 0.4},
    }
    (tmp_path / "models.yaml").write_text(json.dumps({"mine": entry}))
    monkeypatch.setenv("CCE_MODELS", str(tmp_path / "models.yaml"))
    assert batch_share("judge", "https://models.example/v1") == 0.4
    assert batch_share("judge", "https://other.example/v1") == 1.0
