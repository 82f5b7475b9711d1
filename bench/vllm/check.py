"""A real vLLM server under the kit: what it is asked beyond text, and its own speed beside the kit's.

Example runs:
    make vllm-check                                                       # SmolLM2 on this machine's CPU
    python -m bench.vllm.check NAME@http://localhost:8000/v1              # a vLLM server of your own, for its rates
"""

import os
import signal
import sys
from contextlib import nullcontext
from datetime import date

import pandas as pd

from bench.vllm.asked import Row, checks, thinking
from bench.vllm.batch import one_round
from bench.vllm.server import THINKING, ask, own_server
from bench.vllm.speed import show, show_speeds
from cce.project import commit, root


def main(model: str | None = None) -> None:
    """Print the checks and the speeds; the exit status is 1 where the server did not do what it was asked."""
    os.chdir(root())
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    held = True
    if model is None:
        held = shown([one_round()])
        with own_server(*THINKING) as server:
            held &= shown([thinking(server)])
    with own_server() if model is None else nullcontext(model) as server:
        print(f"{date.today()}, commit {commit()}, vLLM {ask(server, '/version')['version']}")
        held &= shown(checks(server))
        show_speeds(server)
    sys.exit(not held)


def shown(rows: list[Row]) -> bool:
    """Print what was asked and what came back; whether all of it is as it should be."""
    checked = pd.DataFrame(rows, columns=["asked", "got", "held"])
    show(checked)
    return checked.held.all()


if __name__ == "__main__":
    main(*sys.argv[1:])
