"""The kit at work, in a process of its own: pairs from a file, judged into a file of records, as `cce judge` does.

Prints one JSON object: seconds from reading the pairs to the rows, calls that the judgments needed, their completion
tokens, and the peak of the process's memory in MB.
"""

import json
import resource
import sys
import time

from cce import Options, Records, load_pairs
from cce.crowd.evaluate import evaluate_into
from cce.crowd.record import read_rows


def main(pairs: str, method: str, judge: str, crowd: list[str], store: str, concurrency: int, **options) -> dict:
    """Judge the pairs, `options` being those of `load_pairs` (limit) and `Options`."""
    start = time.perf_counter()
    loaded = load_pairs(pairs, limit=options.pop("limit", None))
    with Records(f"{store}.jsonl") as records:
        asked = Options(store=store, concurrency=concurrency, **options)
        evaluate_into(records, loaded, [method], [judge], crowd, asked)
    frame = read_rows(f"{store}.jsonl")
    seconds = time.perf_counter() - start
    unread = int(frame.verdict.isna().sum())
    assert not unread or judge.startswith("embedded"), f"{unread} judgments without a verdict"
    return {
        "seconds": seconds,
        "calls": int(frame.calls.sum()),
        "tokens": int(frame.completion_tokens.sum()),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
