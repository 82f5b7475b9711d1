"""The prompts judged by alpaca_eval: a pairwise annotator whose template is the prompt itself."""

import json
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml


def config_in(folder: Path, name: str, concurrency: int) -> Path:
    """Write an annotator's configuration, as alpaca_eval's own are."""
    folder.joinpath("prompt.txt").write_text("<|im_start|>user\n{instruction}\n<|im_end|>")
    sampling = {"model_name": name, "max_tokens": 1024, "temperature": 0.1, "price_per_token": 0.0}
    annotator = {
        "prompt_template": str(folder / "prompt.txt"),
        "fn_completions": "openai_completions",
        "completions_kwargs": {**sampling, "num_procs": concurrency},
        "fn_completion_parser": "regex_parser",
        "completion_parser_kwargs": {"outputs_to_match": {1: r"\[\[A\]\]", 2: r"\[\[B\]\]"}},
        "batch_size": 1,
    }
    folder.joinpath("configs.yaml").write_text(yaml.safe_dump({"bench": annotator}))
    return folder / "configs.yaml"


def main(prompts: str, judge: str, concurrency: int) -> dict:
    """Seconds, and the number of verdicts read; `judge` is NAME@URL."""
    name, url = judge.split("@")
    # Both are read on import.
    os.environ |= {"OPENAI_API_KEY": "no-key", "OPENAI_BASE_URL": url, "OPENAI_API_BASE": url}
    from alpaca_eval.annotators import PairwiseAnnotator

    texts = json.loads(Path(prompts).read_text())
    rows = [{"instruction": text, "output_1": "one", "output_2": "two"} for text in texts]
    with TemporaryDirectory() as folder:
        config = config_in(Path(folder), name, concurrency)
        start = time.perf_counter()
        annotator = PairwiseAnnotator(annotators_config=config, caching_path=None, is_randomize_output_order=False)
        judged = annotator.annotate_pairs(rows)
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "calls": sum(row["preference"] in (1, 2) for row in judged)}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
