"""The embedded models, live: a pair judged from the distribution, and pairs judged in words."""

import json

import pytest
import xllamacpp

from cce import LLM, evaluate, judge, load_pairs
from cce.crowd.marks import read_text
from cce.errors import EmbeddedMissing
from cce.models.engines import JUDGE, weights


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


# As chat templates of reasoning models do, it begins the answer inside the thinking.
THINKING = """{%- for m in messages %}<|im_start|>{{ m.role }}
{% if m.reasoning_content is defined and m.reasoning_content %}<think>
{{ m.reasoning_content }}
</think>

{% endif %}{{ m.content }}<|im_end|>
{% endfor %}{%- if add_generation_prompt %}<|im_start|>assistant
<think>
{%- if enable_thinking is defined and enable_thinking is false %}

</think>

{%- endif %}
{% endif %}"""
# So small a model thinks nothing of its own: what it writes is given.
SAID = 'root ::= "Is [[A]] right? No, I think." "</think>" "Assistant B is more exact.\\n[[B]]"'


@pytest.fixture
def thinker():
    """The embedded model behind llama.cpp's own parser of thinking."""
    params = xllamacpp.CommonParams()
    params.model.path, params.chat_template, params.use_jinja = str(weights()), THINKING, True
    params.n_ctx, params.hostnames, params.port, params.ui, params.verbosity = 4096, ["127.0.0.1"], 0, False, -1
    server = xllamacpp.Server(params)
    yield f"thinker@{server.listening_address}/v1"
    del server


def test_what_a_real_engine_takes_for_thinking_is_no_part_of_the_answer(thinker, tmp_path, monkeypatch):
    (tmp_path / "models.yaml").write_text(json.dumps({"thinker": {"extra_body": {"grammar": SAID}}}))
    monkeypatch.setenv("CCE_MODELS", str(tmp_path / "models.yaml"))
    answer = LLM(thinker).complete("Which is better?", max_tokens=64)
    assert answer.thinking == "Is [[A]] right? No, I think."
    assert (answer.text, read_text(answer.text)) == ("Assistant B is more exact.\n[[B]]", 0.0)
    pair = load_pairs("pocket", limit=1)[0]
    assert judge(pair, "vanilla", thinker)["verdict"] == "B"
    # Cut off inside its thinking it has no verdict, whatever it weighed there.
    frame = evaluate([pair], ["vanilla"], [thinker], max_tokens=8)
    assert frame.unreadable.tolist() == ["cut off by max_tokens before its verdict"]
