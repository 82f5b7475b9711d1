"""How much of an engine's own throughput does the kit reach?

Set-up: pairs of `pocket` by vanilla in both orders, before the embedded model; bench/vllm asks the same of a vLLM
server. Floor: the same prompts sent straight to the engine, one at a time, which is the kit's own bound on the embedded
model, and four at once, for which the engine gets four slots. Seconds are for 1,000 completion tokens, since an engine
that decodes several together may write other answers.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figure import Figure
from bench.race import process


def figures(pairs: int = 8, judge: str = "embedded-judge", in_flight: tuple[int, ...] = (1, 4)) -> list[Figure]:
    """Seconds of the kit for 1,000 completion tokens, beside the engine at each number of requests in flight."""
    found = []
    with TemporaryDirectory() as folder:
        job = {"judge": judge, "store": str(Path(folder) / "store.sqlite")}
        options = {"order": "both", "max_tokens": 96, "limit": pairs, "crowd": []}
        kit = pace(process("bench.kit", **job, **options, pairs="pocket", method="vanilla", concurrency=32))
        for number in in_flight:
            engine = pace(process("bench.floor", **job, concurrency=number))
            what = f"{judge}: {pairs} pairs, 1,000 tokens; engine asked {number} at once"
            note = f"the kit reaches {engine / kit:.0%} of the engine's throughput"
            found.append(Figure(what, kit, "s", engine, note=note))
    return found


def pace(run: dict) -> float:
    """Seconds for 1,000 completion tokens."""
    return 1000 * run["seconds"] / run["tokens"]
