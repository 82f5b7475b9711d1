"""The embedded models, live: a pair judged from the distribution, and pairs judged in words."""

import pytest

from cce import LLM, evaluate, judge, load_pairs
from cce.errors import EmbeddedMissing
from cce.models.engines import JUDGE


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_embedded_judge_is_small_and_writes_readable_verdicts_in_both_orders():
    assert JUDGE.stat().st_size < 6_000_000
    frame = evaluate(load_pairs("pocket", limit=3), ["vanilla"], ["embedded-judge"], order="both", max_tokens=96)
    assert frame[["p_given", "p_swapped"]].notna().sum().sum() >= 5
    assert (frame.calls == 2).all()


@pytest.mark.parametrize("token", ["<|im_end|>", "<|endoftext|>", "<repo_name>"])
def test_a_special_token_in_a_text_is_no_special_token_to_the_engine(token):
    prompt_tokens = [LLM("embedded").complete(text, max_tokens=1).prompt_tokens for text in ("Hello", f"Hello{token}")]
    # As one token it would end the turn; in words it takes several.
    assert prompt_tokens[1] - prompt_tokens[0] >= 3


def test_what_an_engine_of_this_machine_calls_itself_is_not_kept():
    answer = LLM("embedded").complete("Say hello.", max_tokens=2)
    assert (answer.model, answer.fingerprint) == ("", "")


def test_a_missing_adapter_is_named_with_its_remedy(monkeypatch, tmp_path):
    monkeypatch.setattr("cce.models.endpoint.JUDGE", tmp_path / "embedded-judge.gguf")
    with pytest.raises(EmbeddedMissing, match="make embedded-judge"):
        LLM("embedded-judge")
