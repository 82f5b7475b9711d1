"""Options: how models are asked, and where completions are kept; one object for everything that asks."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from cce.errors import BadInput
from cce.models.ledger import Ledger

Order = Literal["given", "both"]
Reading = Literal["text", "distribution"]
# The sets of prompts that come with the kit.
PROMPTS = ("kit", "paper")


@dataclass(frozen=True)
class Options:
    """How models are asked; the defaults are the paper's. Raises BadInput for a value that none of these takes.

    Attributes:
        store: path of the SQLite store; None keeps completions in memory, for this process only.
        concurrency: requests in flight at once to one address; so many pairs, questions or pools are begun at once.
        order: `both` asks with the two answers swapped as well, and combines.
        verdict: how a verdict is read: from the judge's `text`, or from the `distribution` of its next token.
        seed: draws the selection of crowd judgments, sides and samples.
        max_tokens: the longest answer of a model, in tokens.
        prompts: `kit`, `paper`, or a folder of the user's own; a file missing there is taken from the kit's.
        judge_temperature: of the judge's rationales, the rewritings of outcome removal among them.
        crowd_temperature: of the crowd's answers; the paper does not tell its own, and samples of a model must differ.
        sample_temperature: of the votes of `maj` and `agg`; likewise.
        sure: the probability of vanilla's verdict from which on `cce-escalated@N` asks no crowd.
        landing: seconds that a stop waits for what is under way and paid for.
        batch: buys completions through the provider's Batch API, each round of all pairs together; `concurrency` then
            bounds nothing there.
        batch_files: a folder that takes what is missing as batch files (see `cce.models.batch_files`); nobody is asked
            then but models of this machine. None asks.
        dry_run: the ledger of a dry run (see `cce.models.dry_run`); nobody is asked then. None asks.
    """

    store: str | Path | None = None
    concurrency: int = 32
    order: Order = "given"
    verdict: Reading = "text"
    seed: int = 0
    max_tokens: int = 1024
    prompts: str | None = None
    judge_temperature: float = 0.1
    crowd_temperature: float = 0.7
    sample_temperature: float = 0.7
    sure: float = 0.9
    landing: int = 30
    batch: bool = False
    batch_files: str | Path | None = None
    dry_run: Ledger | None = None

    def __post_init__(self):
        for name, kind in (("order", Order), ("verdict", Reading)):
            if getattr(self, name) not in get_args(kind):
                raise BadInput(f"{name} {getattr(self, name)!r}: one of {', '.join(get_args(kind))}")
        for name, least in (("concurrency", 1), ("max_tokens", 1), ("landing", 0)):
            if getattr(self, name) < least:
                raise BadInput(f"{name} {getattr(self, name)}: at least {least}")
        for name in ("judge_temperature", "crowd_temperature", "sample_temperature"):
            if not 0 <= getattr(self, name) <= 2:
                raise BadInput(f"{name} {getattr(self, name)}: 0 to 2")
        if not self.sure >= 0.5:
            raise BadInput(f"sure {self.sure}: 0.5 or more; the likelier of two verdicts has no less")
        if self.prompts and self.prompts not in PROMPTS and not Path(self.prompts).is_dir():
            raise BadInput(f"prompts: there is no folder {Path(self.prompts).absolute()}, and no set but kit and paper")

    def but(self, **changes) -> "Options":
        """The same options with some of them changed. Raises BadInput for a name that is none."""
        if unknown := sorted(set(changes) - set(vars(self))):
            raise BadInput(f"unknown option {unknown[0]!r}: one of {', '.join(vars(self))}")
        return replace(self, **changes)


DEFAULTS = Options()
