"""The prompts judged by verdict: one pairwise unit, whose letter is read from the mark."""

import json
import sys
import time
from pathlib import Path

from verdict import Pipeline, config
from verdict.common.judge import PairwiseJudgeUnit
from verdict.extractor import RegexExtractor
from verdict.model import vLLMModel
from verdict.schema import Schema

MARK = r"(?<=\[\[)[AB](?=\]\])"


def main(prompts: str, judge: str, concurrency: int) -> dict:
    """Seconds, and the number of verdicts read; `judge` is NAME@URL."""
    name, url = judge.split("@")
    config.state.rate_limiter_disabled = True
    unit = PairwiseJudgeUnit().extract(RegexExtractor({"choice": MARK})).prompt("{source.prompt}")
    model = vLLMModel(name, url, "no-key")
    pipeline = Pipeline() >> unit.via(model, temperature=0.1, max_tokens=1024)
    rows = [Schema.of(prompt=prompt) for prompt in json.loads(Path(prompts).read_text())]
    start = time.perf_counter()
    frame, columns = pipeline.run_from_list(rows, max_workers=concurrency)
    return {"seconds": time.perf_counter() - start, "calls": int(frame[columns[0]].notna().sum())}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
