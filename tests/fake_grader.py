"""A real HTTP server whose grader rates an answer with its planted quality; how it says so depends on its name."""

import math

from aiohttp import web

from tests.fake_server import FakeServer, quality_of, sections


class FakeGrader(FakeServer):
    """Serves these graders beside the models of FakeServer, and finds the last answer's "quality=N" in the prompt.

    `grader` ends with "Rating: [[N]]", and is read from a distribution as N + 0.25; `single` writes "[N]", `mute` no
    number, `quoting` the prompt itself, and then its rating. Of several samples `wavering` says 10 - N in the first,
    `halting` nothing in all others.
    """

    async def _complete(self, request: web.Request) -> web.Response:
        asked = await request.json()
        shown = sections(asked["messages"][0]["content"])
        rated = [title for title in shown if title.startswith("The assistant's answer")]
        size = sum(len(message["content"]) for message in asked["messages"])
        if not rated or (self.context and size > self.context):
            return await super()._complete(request)
        kind = "rating" if len(asked["messages"]) == 3 else "grade"
        self.requests.append(asked | {"kind": kind})
        quality, model, again = quality_of(shown[rated[-1]]), asked["model"], asked["seed"] > 0
        quality = 10 - quality if model == "wavering" and not again else quality
        text, top = self._reply(asked | ({"model": "mute"} if model == "halting" and again else {}), kind, quality)
        return web.json_response(completion(asked["model"], text, top))

    def _reply(self, asked: dict, kind: str, quality: int) -> tuple[str, dict[str, float] | None]:
        if kind == "rating":
            return str(quality), {
                str(quality): 0.45,
                f" {quality}": 0.15,
                str(quality + 1): 0.2,
                "Sure": 0.2,
                "No": 1e-9,
            }
        rating, prompt = f"Rating: [[{quality}]]", asked["messages"][0]["content"]
        ways = {"single": f"Fair. [{quality}]", "mute": "Fair.", "quoting": f"{prompt}\n{rating}"}
        return ways.get(asked["model"], f"Fair.\n{rating}"), None


def completion(model: str, text: str, top: dict[str, float] | None) -> dict:
    """The chat completion, with 10 tokens of prompt and one per word, and `top` as the first token's distribution."""
    listed = [{"token": token, "logprob": math.log(p), "bytes": None} for token, p in (top or {}).items()]
    logprobs = {"content": [listed[0] | {"top_logprobs": listed}]} if top else None
    message = {"role": "assistant", "content": text}
    words = len(text.split())
    return {
        "id": "fake",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "finish_reason": "stop", "message": message, "logprobs": logprobs}],
        "usage": {"prompt_tokens": 10, "completion_tokens": words, "total_tokens": 10 + words},
    }
