"""The client against a real server: bound, retries, sharing, errors."""

import asyncio
import time

import pytest

from cce import LLM
from cce.errors import BadInput, ContextOverflow, EndpointFailed
from cce.models.endpoint import endpoint_of
from tests.fake_server import FakeServer


def test_a_completion_has_text_and_usage(server):
    answer = LLM(server.model("crowd-5")).complete("Who are you?")
    assert answer.text == "Crowd answer, quality=5, sample 0."
    assert (answer.prompt_tokens, answer.completion_tokens) == (3, 5)


def test_it_works_inside_a_running_loop_with_and_without_await(server):
    async def cell():
        llm = LLM(server.model("crowd-5"))
        return await llm.acomplete("one"), llm.complete("two")

    assert all("quality=5" in answer.text for answer in asyncio.run(cell()))


def test_one_question_asked_many_times_at_once_is_sent_once(server):
    llm = LLM(server.model("crowd-5"))

    async def crowd():
        return await asyncio.gather(
            *[llm.acomplete("same") for _ in range(20)], *[llm.acomplete("same", sample=1) for _ in range(3)]
        )

    asyncio.run(crowd())
    assert len(server.requests) == 2
    assert sorted(request["seed"] for request in server.requests) == [0, 1]


def test_requests_in_flight_and_connections_stay_within_the_bound():
    with FakeServer(latency=0.05) as server:
        first, second = (LLM(server.model(f"crowd-{n}"), concurrency=4) for n in (1, 2))

        async def flood():
            await asyncio.gather(*[llm.acomplete(f"question {n}") for n in range(20) for llm in (first, second)])

        start = time.perf_counter()
        asyncio.run(flood())
        assert time.perf_counter() - start >= 40 / 4 * 0.05  # the bound holds over both models
        assert len({request["peer"] for request in server.requests}) <= 4


def test_a_refusal_for_now_is_tried_again_after_the_time_it_names(server):
    server.failures += [{"status": 429, "headers": {"Retry-After": "1"}}, {"status": 503}]
    start = time.perf_counter()
    assert "quality=5" in LLM(server.model("crowd-5")).complete("x").text
    assert time.perf_counter() - start >= 1
    assert len(server.requests) == 3


def test_a_refusal_for_good_is_one_error_without_the_key(server, monkeypatch):
    monkeypatch.setenv("CCE_API_KEY", "secret-key")
    server.failures.append({"status": 401, "body": {"error": {"message": "bad key secret-key"}}})
    with pytest.raises(EndpointFailed, match=r"HTTP 401.*\*\*\*") as error:
        LLM(server.model("crowd-5")).complete("x")
    assert "secret-key" not in str(error.value)
    assert server.requests[0]["key"] == "Bearer secret-key"


def test_the_openai_key_goes_to_openai_only(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "openai-key")
    LLM(server.model("crowd-5")).complete("x")
    assert "openai-key" not in server.requests[0]["key"]
    assert LLM("gpt-4o").endpoint.key == "openai-key"


def test_the_openai_key_does_not_go_to_a_name_that_only_ends_alike(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "openai-key")
    assert LLM("gpt-4o@https://evilopenai.com/v1").endpoint.key == "no-key"


def test_a_missing_key_is_said_before_anything_is_sent():
    with pytest.raises(BadInput, match="OPENAI_API_KEY"):
        LLM("gpt-4o")


def test_a_prompt_over_the_context_is_an_overflow_that_is_asked_once(tmp_path):
    with FakeServer(context=100) as server:
        llm = LLM(server.model("crowd-5"), store=tmp_path / "s.sqlite")
        for _ in range(2):
            with pytest.raises(ContextOverflow):
                llm.complete("x" * 200)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("model", "parsed"),
    [
        ("gpt-4o", ("gpt-4o", "https://api.openai.com/v1")),
        (
            "Qwen/Qwen2.5-7B-Instruct@http://localhost:8000/v1/",
            ("Qwen/Qwen2.5-7B-Instruct", "http://localhost:8000/v1"),
        ),
    ],
)
def test_a_model_is_a_name_and_perhaps_an_address(model, parsed, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    endpoint = endpoint_of(model)
    assert (endpoint.name, endpoint.address()) == parsed


@pytest.mark.parametrize("model", ["embedded", "embedded-judge"])
def test_a_model_of_this_machine_takes_one_request_at_a_time(model):
    endpoint = endpoint_of(model)
    assert (endpoint.concurrency, endpoint.context) == (1, 8192)
    assert endpoint.name.startswith(model)


def test_a_folder_without_a_finished_training_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no finished training"):
        LLM(str(tmp_path))


@pytest.mark.parametrize("model", ["", "@http://localhost/v1", "name@localhost:8000", "name@"])
def test_a_bad_model_name_is_refused(model):
    with pytest.raises(BadInput, match="NAME@BASE_URL"):
        LLM(model)


def test_no_request_in_flight_is_no_bound():
    with pytest.raises(BadInput, match="concurrency 0"):
        LLM("embedded", concurrency=0)
