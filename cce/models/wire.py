"""On the wire: a request as an endpoint takes it, and what the store keeps of the reply."""

from cce.models.store import Completion
from cce.text import whole_characters


def wire_form(request: dict) -> dict:
    """The body of a chat completion request, as the store knows it."""
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


def completion_of(reply: dict, seconds: float) -> Completion:
    """What the store keeps of an endpoint's reply, a refusal in its own field included.

    Raises ValueError where the reply is no chat completion.
    """
    try:
        return _completion(reply, seconds)
    except (AttributeError, IndexError, KeyError, TypeError) as problem:
        raise ValueError(f"{str(reply)[:200]!r} is no chat completion ({problem!r})") from None


def _completion(reply: dict, seconds: float) -> Completion:
    choice, usage = reply["choices"][0], reply.get("usage") or {}
    message, logprobs = choice["message"], (choice.get("logprobs") or {}).get("content")
    return Completion(
        whole_characters(message.get("content") or message.get("refusal") or ""),
        choice.get("finish_reason") or "stop",
        usage.get("prompt_tokens", 0),
        usage.get("completion_tokens", 0),
        round(seconds, 3),
        {top["token"]: top["logprob"] for top in logprobs[0]["top_logprobs"]} if logprobs else None,
    )
