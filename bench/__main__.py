"""Answer the questions of this folder, print their figures, and put them into its README.

    python -m bench                     all questions but the peers
    python -m bench vanilla many        these alone
    python -m bench replay --large      with 300,000 and 1,000,000 completions, half an hour more

The figures of each question are kept in runs/bench/, so that a run of one does not lose
another's. The exit status is 1 if a bound is not held.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import date
from importlib import import_module

from bench.figure import Figure, table, write_table
from cce.project import commit, root

QUESTIONS = ("vanilla", "many", "chain", "replay", "puts", "share", "importing")
KEPT = root() / "runs" / "bench"


def main() -> int:
    """Run what the command line names; 0 if every bound is held."""
    parser = ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    # Where none is named, the empty list is what argparse checks.
    parser.add_argument("questions", nargs="*", choices=[*QUESTIONS, "peers", []])
    parser.add_argument("--large", action="store_true", help="replay 300,000 and 1,000,000 completions as well")
    given = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    for question in given.questions or QUESTIONS:
        print(f"{question} ...", file=sys.stderr)
        keep(question, asked(question, given.large))
    figures = list(kept())
    write_table(figures)
    print(table(figures))
    return int(not all(figure.held for figure in figures))


def asked(question: str, large: bool) -> list[Figure]:
    """The figures of one question."""
    figures = import_module(f"bench.{question}").figures
    return figures(large=large) if question == "replay" else figures()


def keep(question: str, figures: list[Figure]) -> None:
    """Write the figures with date and commit, in place of those of an earlier run."""
    signed = [replace(figure, date=str(date.today()), commit=commit()) for figure in figures]
    KEPT.joinpath(f"{question}.json").write_text(json.dumps([asdict(figure) for figure in signed], indent=1))


def kept() -> Iterator[Figure]:
    """The figures of all questions that have been answered on this machine, in their order."""
    for question in (*QUESTIONS, "peers"):
        file = KEPT / f"{question}.json"
        if file.is_file():
            yield from (Figure(**figure) for figure in json.loads(file.read_text()))


if __name__ == "__main__":
    sys.exit(main())
