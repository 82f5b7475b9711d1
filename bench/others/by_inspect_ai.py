"""The prompts judged by inspect_ai: a task of samples, `generate`, and a scorer that reads the mark."""

import json
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import pattern
from inspect_ai.solver import generate


def main(prompts: str, judge: str, concurrency: int) -> dict:
    """Seconds, and the number of verdicts read; `judge` is NAME@URL."""
    name, url = judge.split("@")
    os.environ |= {"BENCH_API_KEY": "no-key", "BENCH_BASE_URL": url}
    samples = [Sample(input=prompt, target="A") for prompt in json.loads(Path(prompts).read_text())]
    config = GenerateConfig(temperature=0.1, max_tokens=1024, max_connections=concurrency)
    task = Task(dataset=samples, solver=generate(), scorer=pattern(r"\[\[([AB])\]\]"), config=config)
    start = time.perf_counter()
    with TemporaryDirectory() as logs:
        log = eval(task, model=f"openai-api/bench/{name}", display="none", log_dir=logs, max_samples=concurrency)[0]
        seconds = time.perf_counter() - start
        calls = sum(sample.scores["pattern"].answer in ("A", "B") for sample in log.samples)
    return {"seconds": seconds, "calls": calls}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
