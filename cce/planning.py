"""Plan a profile: what its notebooks will ask for, in calls, tokens, US dollars and hours, before any of it is spent.

A plan is a dry run (`cce.models.dry_run`): every notebook runs on its real pairs, and so decides by its own logic what
it needs. What the profile's store holds costs nothing, and what several notebooks share is counted once.
"""

import sqlite3
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import pandas as pd
from tqdm import tqdm

from cce.analysis import print_table
from cce.models.dry_run import CHARACTERS_A_TOKEN, ITEMS, TOKENS, TOKENS_A_SECOND, open_ledger
from cce.models.steps import bar_wanted
from cce.runner import NOTHING, checked, execute
from cce.spending import PRICED_BY, Price, price_of
from cce.text import tell

COUNTS = ["calls", "in_store", "tokens_in", "tokens_out"]
COLUMNS = ["notebook", "model", *COUNTS, "dollars", "hours"]
TOTAL, UNKNOWN = "all", Price(nan, nan)
ASSUMED = f"""\
calls: completions to ask for; in_store: those found there, or bought by a notebook above; tokens and dollars: of calls.
The calls are a bound from above, and exact where outcomes decide nothing: a comparison that is not in the store may end
either way, so that every selection takes what it can take at most. No prompt overflows, and no call fails.
Tokens and seconds: the means of each model's completions of each kind in the store; of a model without any, assumed:
{CHARACTERS_A_TOKEN} characters per token, {TOKENS["judgment"]} tokens per judgment or rewriting, \
{TOKENS["answer"]} per answer, {TOKENS["list"]} per list of {ITEMS} items,
and {TOKENS_A_SECOND} tokens per second for each request in flight.
Hours: calls one after another, divided by the requests in flight; addresses side by side. Training is not in them."""


def plan_profile(
    profile: str, notebooks: Sequence[str] | None = None, by_hand: Mapping[str, object] = NOTHING
) -> Iterator[pd.DataFrame]:
    """Plan a profile's notebooks in order, all or those named; nothing is asked, and no file of a run is touched.

    Yields a table of COLUMNS per notebook: one row per model, and a last one whose model is "all". ASSUMED explains
    them; dollars are NaN without a known price, and their sum is of the others. Raises what `run_profile` raises.
    """
    asked = defaultdict(set)  # by store: the keys that notebooks so far have asked for
    with TemporaryDirectory(prefix="cce-plan-") as folder:
        for stem, parameters in checked(profile, notebooks, by_hand):
            needed = _needed(stem, parameters, Path(folder))
            bought = asked[parameters.get("store")]
            needed["in_store"] |= needed.key.isin(bought)
            bought.update(needed.key)
            yield _table(stem, needed)


def _needed(stem: str, parameters: dict, folder: Path) -> pd.DataFrame:
    """One row per completion that the notebook needs, as the ledger has it."""
    ledger = folder / f"{stem}.sqlite"
    elsewhere = {name: str(folder / stem / name) for name in ("out", "figures", "trained") if name in parameters}
    with closing(open_ledger(str(ledger))) as db:
        with _progress(stem, db):
            # `dry_run` is an option that notebooks do not declare: `begin` finds it all the same.
            given = parameters | elsewhere | {"dry_run": str(ledger)}
            execute(stem, folder / f"{stem}.ipynb", given, quiet=True)
        return pd.read_sql("SELECT * FROM needed", db).astype({"in_store": bool})


@contextmanager
def _progress(stem: str, ledger: sqlite3.Connection) -> Iterator[None]:
    """Say which notebook is planned and, on a terminal, how many completions it has come to."""
    tell(f"planning {stem}", file=sys.stderr)
    over = Event()

    def show() -> None:
        with tqdm(unit=" completions", leave=False, disable=not bar_wanted()) as bar:
            while not over.wait(1):
                bar.n = ledger.execute("SELECT coalesce(max(rowid), 0) FROM needed").fetchone()[0]
                bar.refresh()

    with ThreadPoolExecutor(1) as threads:
        threads.submit(show)
        try:
            yield
        finally:
            over.set()


def _table(stem: str, needed: pd.DataFrame) -> pd.DataFrame:
    places, new = ["model", "address"], ~needed.in_store
    hours = (needed.seconds / needed.concurrency / 3600).where(new, 0)
    tokens = needed[["tokens_in", "tokens_out"]].where(new, 0)
    counted = needed[[*places, "in_store"]].join(tokens).assign(calls=new, hours=hours)
    table = counted.groupby(places, sort=False).sum().reset_index()
    prices = [price_of(*place) or UNKNOWN for place in table[places].itertuples(index=False)]
    paid = zip(prices, table.tokens_in, table.tokens_out, strict=True)
    table["dollars"] = [price.of(tokens_in, tokens_out)["dollars"] for price, tokens_in, tokens_out in paid]
    total = table[[*COUNTS, "dollars"]].sum().to_dict() | {"model": TOTAL}
    total["hours"] = table.groupby("address").hours.sum().max()
    return pd.concat([table, pd.DataFrame([total])], ignore_index=True).assign(notebook=stem)[COLUMNS]


def print_plan(tables: Iterable[pd.DataFrame]) -> None:
    """Print the tables of a plan, each when it is there, and below them what was supposed and assumed."""
    unpriced = {}
    for table in tables:
        print_table(table.assign(**{name: table[name].map("{:,.0f}".format) for name in COUNTS}))
        tell(flush=True)
        unpriced |= dict.fromkeys(table.model[table.dollars.isna()])
    tell(ASSUMED)
    if unpriced:
        tell(f"No price is known for {', '.join(unpriced)}: not in dollars; {PRICED_BY}.")
