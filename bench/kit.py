"""The kit at work, in a process of its own: pairs from a file, judged by `evaluate`.

Prints one JSON object: seconds from reading the pairs to the frame, calls that the judgments needed, their completion
tokens, and the peak of the process's memory in MB.
"""

import json
import resource
import sys
import time

from cce import evaluate, load_pairs


def main(pairs: str, method: str, judge: str, crowd: list[str], store: str, concurrency: int, **options) -> dict:
    """Judge the pairs, `options` being those of `load_pairs` (limit) and `evaluate`."""
    start = time.perf_counter()
    loaded = load_pairs(pairs, limit=options.pop("limit", None))
    frame = evaluate(loaded, [method], [judge], crowd, store=store, concurrency=concurrency, **options)
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
