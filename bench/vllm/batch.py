"""One round of batch files through the real `vllm run-batch`."""

import shutil
import subprocess
import warnings

from bench.vllm.asked import Row
from bench.vllm.server import NAME, OUT, RUN_BATCH, model_folder, python
from cce import evaluate, load_pairs
from cce.rounds import read_round

PAIRS = 4


def one_round() -> Row:
    """What a plain comparison of some pairs asks for is written, answered and read; how much of it is in the store."""
    folder = OUT / "round"
    shutil.rmtree(folder, ignore_errors=True)
    for file in OUT.glob("round.sqlite*"):
        file.unlink()
    # Nobody is at this address, and nobody is asked there.
    model, kept = f"{NAME}@http://batch.invalid/v1", {"store": OUT / "round.sqlite", "max_tokens": 32}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of judgments that are missing
        evaluate(load_pairs("pocket", limit=PAIRS), ["vanilla"], [model], batch_files=folder, **kept)
    (asked,) = (file for file in folder.glob("*.jsonl") if file.name != "asked.jsonl")
    files = ["-i", str(asked.absolute()), "-o", str((folder / "results.jsonl").absolute())]
    with (OUT / "run-batch.log").open("w") as log:
        subprocess.run([python(), *RUN_BATCH, *files], cwd=model_folder(), stdout=log, stderr=log, check=True)
    (taken,) = read_round(folder)
    got = f"{taken.kept} answers in the store, {taken.failed} failed, {taken.foreign} of another model"
    return f"`run-batch`: the requests of a round, on {PAIRS} pairs", got, taken.kept == PAIRS
