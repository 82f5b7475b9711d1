"""Plan a profile: what its notebooks will ask for, in calls, tokens, US dollars and hours, before any of it is spent.

A plan is a dry run (`cce.models.dry_run`): every notebook runs on its real pairs, and so decides by its own logic what
it needs. What the profile's store holds costs nothing, and what several notebooks share is counted once. A core takes
about a millisecond per completion, nine tenths of which the method takes in every run.
"""

import sqlite3
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from tqdm import tqdm

from cce.analysis import print_table
from cce.models.batch import bar_wanted
from cce.models.dry_run import CHARACTERS_A_TOKEN, ITEMS, TOKENS, TOKENS_A_SECOND, open_ledger
from cce.runner import checked, execute
from cce.spending import price_of

COUNTS = ["calls", "in_store", "tokens_in", "tokens_out"]
COLUMNS = ["notebook", "model", *COUNTS, "dollars", "hours"]
TOTAL = "all"
ASSUMED = f"""\
calls: completions to ask for; in_store: those found there, or bought by a notebook above; tokens and dollars: of calls.
The calls are a bound from above, and exact where outcomes decide nothing: a comparison that is not in the store may end
either way, so that every selection takes what it can take at most. No prompt overflows, and no call fails.
Tokens and seconds: the means of each model's completions of each kind in the store; of a model without any, assumed:
{CHARACTERS_A_TOKEN} characters per token, {TOKENS["judgment"]} tokens per judgment or rewriting, \
{TOKENS["answer"]} per answer, {TOKENS["list"]} per list of {ITEMS} items,
and {TOKENS_A_SECOND} tokens per second for each request in flight.
Hours: calls one after another, divided by the requests in flight; addresses side by side. Training is not in them."""
UNPRICED = "No price is known for {}: not in dollars; name it in a file of prices, and that in CCE_PRICES."


def plan_profile(profile: str, notebooks: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
    """Plan a profile's notebooks in order, all or those named; nothing is asked, and no file of a run is touched.

    Yields one table per notebook, with one row per model and a last one whose model is "all": notebook, model, calls
    (completions that the run will ask for), in_store (completions that it finds, because the store has them or a
    notebook before it asks for them), tokens_in and tokens_out (of the prompts and answers of these calls), dollars
    (NaN where no price is known; their sum is of the others) and hours (those of all are its busiest address's).
    Raises what `cce.runner.run_profile` raises.
    """
    asked = defaultdict(set)  # by store: the keys that notebooks so far have asked for
    with TemporaryDirectory(prefix="cce-plan-") as folder:
        for stem, parameters in checked(profile, notebooks):
            needed = _needed(stem, parameters, Path(folder))
            bought = asked[parameters.get("store")]
            needed["in_store"] |= needed.key.isin(bought)
            bought.update(needed.key)
            yield _table(stem, needed)


def _needed(stem: str, parameters: dict, folder: Path) -> pd.DataFrame:
    """One row per completion that the notebook needs, as the ledger has it."""
    ledger, elsewhere = folder / f"{stem}.sqlite", {name: str(folder / stem) for name in ("out", "figures")}
    if "trained" in parameters:
        elsewhere["trained"] = str(folder / stem / "trained")
    # An option that notebooks do not declare: `begin` finds it all the same.
    given = parameters | elsewhere | {"dry_run": str(ledger)}
    with closing(open_ledger(str(ledger))) as db:
        with _progress(stem, db):
            execute(stem, folder / f"{stem}.ipynb", given, quiet=True)
        return pd.read_sql("SELECT * FROM needed", db).astype({"in_store": bool})


@contextmanager
def _progress(stem: str, ledger: sqlite3.Connection) -> Iterator[None]:
    """Say which notebook is planned and, on a terminal, how many completions it has come to."""
    print(f"planning {stem}", file=sys.stderr)
    over = threading.Event()

    def show() -> None:
        with tqdm(unit=" completions", leave=False, disable=not bar_wanted()) as bar:
            while not over.wait(1):
                bar.n = ledger.execute("SELECT coalesce(max(rowid), 0) FROM needed").fetchone()[0]
                bar.refresh()

    showing = threading.Thread(target=show)
    showing.start()
    try:
        yield
    finally:
        over.set()
        showing.join()


def _table(stem: str, needed: pd.DataFrame) -> pd.DataFrame:
    rows = [_row(stem, *place, group) for place, group in needed.groupby(["model", "address"], sort=False)]
    table = pd.DataFrame(rows, columns=[*COLUMNS, "address"])
    total = table[[*COUNTS, "dollars"]].sum().to_dict()
    hours = table.groupby("address").hours.sum().max()
    rows.append({"notebook": stem, "model": TOTAL, **total, "hours": hours})
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(stem: str, model: str, address: str, needed: pd.DataFrame) -> dict:
    calls = needed[~needed.in_store]
    tokens_in, tokens_out = int(calls.tokens_in.sum()), int(calls.tokens_out.sum())
    price = price_of(model, address)
    return {
        "notebook": stem,
        "model": model,
        "calls": len(calls),
        "in_store": len(needed) - len(calls),
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "dollars": price.prompt * tokens_in + price.completion * tokens_out if price else float("nan"),
        "hours": (calls.seconds / calls.concurrency).sum() / 3600,
        "address": address,
    }


def print_plan(tables: Iterable[pd.DataFrame]) -> None:
    """Print the tables of a plan, each when it is there, and below them what was supposed and assumed."""
    unpriced = {}
    for table in tables:
        print_table(table.assign(**{name: table[name].map("{:,.0f}".format) for name in COUNTS}))
        print(flush=True)
        unpriced |= dict.fromkeys(table.model[table.dollars.isna()])
    print(ASSUMED, *([UNPRICED.format(", ".join(unpriced))] if unpriced else []), sep="\n")
