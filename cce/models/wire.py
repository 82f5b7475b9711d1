"""On the wire: a request as the OpenAI client takes it, and what the store keeps of the reply."""

from openai.types.chat import ChatCompletion

from cce.models.store import Completion
from cce.text import whole_characters


def wire_form(request: dict) -> dict:
    """The keyword arguments of the OpenAI client for a request as the store knows it."""
    top, schema = request["top_logprobs"], request.get("schema")
    answer = {"name": "answer", "strict": True, "schema": schema}
    sampling = {"temperature": request["temperature"], "max_tokens": request["max_tokens"], "seed": request["sample"]}
    return {
        "model": request["model"],
        "messages": request["messages"],
        **sampling,
        **({"logprobs": True, "top_logprobs": top} if top else {}),
        **({"response_format": {"type": "json_schema", "json_schema": answer}} if schema else {}),
    }


def completion_of(answer: ChatCompletion, seconds: float) -> Completion:
    """What the store keeps of an endpoint's reply, a refusal in its own field included.

    Raises ValueError where the reply is no completion.
    """
    try:
        return _completion(answer, seconds)
    except (AttributeError, IndexError, TypeError) as problem:
        raise ValueError(f"the reply is no completion ({problem}): {str(answer)[:200]!r}") from None


def _completion(answer: ChatCompletion, seconds: float) -> Completion:
    choice, usage = answer.choices[0], answer.usage
    content = choice.logprobs.content if choice.logprobs else None
    first = {t.token: t.logprob for t in content[0].top_logprobs} if content else None
    return Completion(
        whole_characters(choice.message.content or choice.message.refusal or ""),
        choice.finish_reason or "stop",
        usage.prompt_tokens if usage else 0,
        usage.completion_tokens if usage else 0,
        round(seconds, 3),
        first,
    )
