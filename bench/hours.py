"""How many hours vanilla, maj@16 and cce@16 take on the paper's five benchmarks, with one judge, on 1, 8 and 64 GPUs.

An engine has two rates: it reads prompts much faster than it writes answers, and bench/vllm measures both of a server.
The table's own are assumed: half of what the data sheet of an A100 of 80 GB allows. More GPUs hold more copies, so that
their rates add up. Prompts found in the engine's cache are counted as read all the same.

Example runs:
    python -m bench.hours
    python -m bench.hours --rates 8000 3000     # prompt tokens and generated tokens a second of one GPU, as measured
"""

import argparse
from dataclasses import dataclass

GPUS = (1, 8, 64)
# As published; MT-Bench human without ties. The crowd answers an instruction once, or twice where it has two turns.
PAIRS = 2985 + 519 + 2575 + 350 + 1000
ANSWERED = 2985 + 519 + 160 + 350 + 1000
CROWD = 8
BUDGET = 16
# Means over the pairs, in tokens of the embedded model's tokenizer; RewardBench by 2,448 of its pairs, HelpSteer2 taken
# to be as the others.
INSTRUCTION, ANSWER = 80, 270
# The kit's prompts without their texts, by the same tokenizer.
VANILLA, REMOVAL, FINAL = 187, 88, 267
# Figure 3 of the paper, overall: GPT-4o's rationales without crowd judgments, and with sixteen.
RATIONALE, FINAL_RATIONALE = 541, 596
# NVIDIA's data sheet of the A100 80GB SXM: bfloat16 operations and bytes of memory a second. Half of both is assumed.
OPERATIONS, BYTES, SHARE = 312e12, 2.039e12, 0.5
# Requests in flight to a group of GPUs that holds one copy of the model.
IN_FLIGHT = 128


@dataclass(frozen=True)
class Work:
    """Calls, and the tokens of their prompts and answers."""

    calls: int
    prompt: int
    generated: int

    def __add__(self, other: "Work") -> "Work":
        return Work(self.calls + other.calls, self.prompt + other.prompt, self.generated + other.generated)

    def __rmul__(self, times: int) -> "Work":
        return Work(times * self.calls, times * self.prompt, times * self.generated)


COMPARISON = Work(1, VANILLA + INSTRUCTION + 2 * ANSWER, RATIONALE)
REWRITING = Work(1, REMOVAL + RATIONALE, RATIONALE)
DECISION = Work(1, FINAL + INSTRUCTION + 2 * ANSWER + BUDGET * RATIONALE, FINAL_RATIONALE)
# One vanilla judgment, the votes of maj@16, then cce@16: at most sixteen comparisons are lost, and rewritten.
JUDGE = PAIRS * ((1 + BUDGET + 2 * CROWD) * COMPARISON + BUDGET * REWRITING + DECISION)
ANSWERS = ANSWERED * CROWD * Work(1, INSTRUCTION, ANSWER)


@dataclass(frozen=True)
class Model:
    """A model in bfloat16: its parameters, the bytes that a token takes in the cache, the GPUs that one copy needs."""

    parameters: float
    token_bytes: int
    gpus: int

    def assumed_rates(self, work: Work) -> tuple[float, float]:
        """Prompt tokens and generated tokens a second of one GPU.

        A token read takes two operations a parameter. A step that writes one token for each request in flight reads all
        weights, and the cache of each request.
        """
        cache = IN_FLIGHT * (work.prompt + work.generated) / work.calls * self.token_bytes
        steps = SHARE * BYTES * self.gpus / (2 * self.parameters + cache)
        return SHARE * OPERATIONS / (2 * self.parameters), IN_FLIGHT * steps / self.gpus


# Qwen2.5's published configurations.
LARGE = Model(72.7e9, 2 * 2 * 80 * 8 * 128, gpus=4)
SMALL = Model(7.6e9, 2 * 2 * 28 * 4 * 128, gpus=1)
HEADER = ["", "calls", "prompt tokens", "generated", "read a second", "written a second"]


def hours(work: Work, rates: tuple[float, float], gpus: int) -> float:
    """The hours that so many GPUs take, each with these rates of prompt and generated tokens a second."""
    return (work.prompt / rates[0] + work.generated / rates[1]) / gpus / 3600


def row(name: str, work: Work, rates: tuple[float, float], least: int = 1) -> list[str]:
    """A line of the table; a dash where the model does not fit on so few GPUs."""
    size = [f"{work.calls:,}", f"{work.prompt / 1e6:,.0f} million", f"{work.generated / 1e6:,.0f} million"]
    taken = [f"{hours(work, rates, gpus):,.2f}" if gpus >= least else "-" for gpus in GPUS]
    sent = work.calls / hours(work, rates, GPUS[-1]) / 3600
    return [name, *size, *(f"{rate:,.0f}" for rate in rates), *taken, f"{sent:,.0f}"]


def table(measured: tuple[float, float] | None = None) -> str:
    """The table as Markdown, with the measured rates of one GPU in place of the assumed ones where they are given."""
    header = [*HEADER, *(f"hours on {gpus}" for gpus in GPUS), f"requests a second on {GPUS[-1]}"]
    rows = [
        row("judge of 72 billion parameters", JUDGE, LARGE.assumed_rates(JUDGE), LARGE.gpus),
        row("judge of 7 billion", JUDGE, SMALL.assumed_rates(JUDGE)),
        row("eight crowd models, each taken as 7 billion", ANSWERS, SMALL.assumed_rates(ANSWERS)),
    ]
    if measured:
        rows = [row("as the judge", JUDGE, measured), row("as all of the crowd", ANSWERS, measured)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, ["---"] * len(header), *rows])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rates", nargs=2, type=float, metavar=("PROMPT", "GENERATED"), help="Tokens a second of a GPU."
    )
    print(table(parser.parse_args().rates))
