"""What a vLLM server is asked beyond text, as the kit asks it: schemas, log-probabilities, token counts."""

import os
import re

import yaml
from openai import OpenAI

from bench.vllm.server import NAME, OUT, ask
from cce import LLM, load_pairs
from cce.benchmarks.pair import Pair
from cce.chat.key_points import POINTS, read_points
from cce.crowd.marks import read_text
from cce.crowd.prompts import render
from cce.crowd.session import ONE_TOKEN
from cce.crowd.verdict import read_distribution
from cce.models.replies import completion_of
from cce.models.wire import Request

TOP_LOGPROBS = ONE_TOKEN["top_logprobs"]
VERDICT = {"type": "object", "properties": {"verdict": {"enum": ["A", "B"]}}, "required": ["verdict"]}
# What was asked, what came back, and whether it is as it should be.
Row = tuple[str, str, bool]


def checks(server: str) -> list[Row]:
    """Schemas, log-probabilities and token counts, each asked for as the kit does."""
    llm, prompt = LLM(server), vanilla(load_pairs("pocket", limit=1)[0])
    said = llm.complete(prompt, max_tokens=64, temperature=0.7).text
    letter = [{"role": "user", "content": prompt}, {"role": "assistant", "content": said}]
    letter.append({"role": "user", "content": render("letter", None)})
    of_prompt = [verdict_schema(llm, prompt), points_schema(llm, prompt)]
    return [*of_prompt, log_probabilities(llm, letter), choice(llm, letter), tokens(llm, letter)]


def vanilla(pair: Pair) -> str:
    """The plain comparison of a pair, as the judge gets it."""
    texts = {"questions": pair.questions, "answers_a": pair.answers_a, "answers_b": pair.answers_b}
    return render("vanilla", None, criteria="", **texts)


def verdict_schema(llm: LLM, prompt: str) -> Row:
    """An object with one of two letters and nothing else."""
    text = llm.complete(prompt, max_tokens=64, schema=VERDICT).text
    held = re.fullmatch(r'\s*{\s*"verdict"\s*:\s*"[AB]"\s*}\s*', text)
    return "`response_format` with a schema: the verdict, A or B", f"`{' '.join(text.split())}`", bool(held)


def points_schema(llm: LLM, prompt: str) -> Row:
    """The schema of notebook 04; a model this small repeats itself until it is cut off."""
    text = llm.complete(prompt, max_tokens=96, schema=POINTS).text
    free = llm.complete(prompt, max_tokens=96).text
    got = f"`{' '.join(text.split())[:40]}...`; without it `{' '.join(free.split())[:40]}...`"
    return "the schema of notebook 04: a list of points", got, text.lstrip().startswith("{") and bool(read_points(text))


def log_probabilities(llm: LLM, letter: list[dict]) -> Row:
    """The first token's likeliest alternatives, and what is read of them."""
    first = llm.complete(letter, max_tokens=1, top_logprobs=TOP_LOGPROBS).first_token or {}
    p_first = read_distribution(first)
    got = f"{len(first)} tokens, read as probability {p_first and round(p_first, 3)} of A"
    return f"`top_logprobs={TOP_LOGPROBS}`", got, len(first) == TOP_LOGPROBS and p_first is not None


def choice(llm: LLM, letter: list[dict]) -> Row:
    """The same with all other tokens forbidden, which vLLM alone can do; the kit does not ask for it."""
    request = {"model": llm.endpoint.name, "messages": letter, "sample": 0, "temperature": 0.0, "max_tokens": 1}
    allowed = {"extra_body": {"structured_outputs": {"choice": ["A", "B"]}}}
    with OpenAI(base_url=llm.endpoint.address(), api_key=llm.endpoint.key) as client:
        answer = client.chat.completions.create(
            **Request(request | {"top_logprobs": TOP_LOGPROBS}).wire_form(), **allowed
        )
    completion = completion_of(answer.model_dump(), 0.0)
    said, p_first = completion.text, read_distribution(completion.first_token)
    got = f"`{said}`, read as probability {p_first and round(p_first, 3)} of A"
    return "the same with `structured_outputs`: a choice of A and B", got, said in ("A", "B")


def thinking(server: str) -> Row:
    """What vLLM's parser takes for thinking, in which another verdict stands than in the answer."""
    said, thought = "Assistant B is more exact.\n[[B]]", "Is it [[A]]? No."
    given = {"structured_outputs": {"choice": [f"{thought}</think>{said}"]}}
    os.environ["CCE_MODELS"] = str(OUT / "models.yaml")
    (OUT / "models.yaml").write_text(yaml.safe_dump({NAME: {"extra_body": given}}))
    answer = LLM(server).complete("Which is better?", max_tokens=64)
    held = (answer.thinking.strip(), answer.text.strip()) == (thought, said) and read_text(answer.text) == 0.0
    return "a reasoning parser: thinking of A, a verdict for B", f"thinking `{answer.thinking}`, `{answer.text}`", held


def tokens(llm: LLM, letter: list[dict]) -> Row:
    """The counts that come with an answer, against the server's own tokenizer."""
    answer = llm.complete(letter, max_tokens=16)
    counted = ask(llm.model, "/tokenize", {"model": llm.endpoint.name, "messages": letter})["count"]
    got = f"{answer.prompt_tokens} and {answer.completion_tokens}; its tokenizer counts {counted} in the prompt"
    held = answer.prompt_tokens == counted and 0 < answer.completion_tokens <= 16
    return "token counts of prompt and answer (at most 16)", got, held
