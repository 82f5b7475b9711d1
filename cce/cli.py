"""The command line: `cce judge` and `pick` for your own answers, `score` for anyone's judgments; `plan`, `run`,
`report` and `export` for the paper's results.
"""

import errno
import shlex
import signal
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from typer import Argument, Option, Typer

from cce import cli_batch, cli_stores
from cce.arguments import Given, Models, Notebooks, Profile, Shard, asking, by_hand, use_models
from cce.errors import CCEError, ResultsMissing
from cce.options import Options
from cce.text import tell, visible

app = Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, help=__doc__
)
RunsStore = Annotated[Path | None, Option(help="The run's store, where it does not lie in the run's folder.")]
app.add_typer(cli_stores.app, name="store")
app.add_typer(cli_batch.app, name="batch")


@app.command()
@asking
def judge(
    pairs: Annotated[
        str, Argument(help="A file of pairs (id, instruction, answer_a, answer_b, label), or a benchmark's name.")
    ],
    out: Annotated[Path, Option(help="Where to write the judgments: JSON, one object per pair.")],
    judge: Annotated[str, Option(help="The judge: NAME, NAME@BASE_URL, embedded-judge, or a folder.")],
    options: Options,
    method: Annotated[
        str, Option(help="vanilla, longprompt, evalplan, 16-criteria, maj@N, agg@N, cce@N, ...")
    ] = "vanilla",
    crowd: Annotated[list[str] | None, Option(help="A crowd model; give the option once per model.")] = None,
    limit: Annotated[int | None, Option(help="Judge only so many pairs, drawn at random by the seed.")] = None,
    shard: Shard = None,
    scoring: Annotated[str, Option(help="paper, or standard to score by the benchmark's own rules.")] = "paper",
    labels: Annotated[
        str | None, Option(help="What the file's own labels mean, such as model_a=A,model_b=B,tie=tie.")
    ] = None,
    data_dir: Annotated[str | None, Option(help="Folder of the published benchmarks' files.")] = None,
) -> None:
    """Judge pairs of answers by one method, one JSON object per pair."""
    from cce.benchmarks import load_pairs
    from cce.crowd.evaluate import Records, evaluate_into
    from cce.crowd.record import read_rows

    loaded = load_pairs(pairs, data_dir, limit, options.seed, scoring, shard, labels)
    with Records(out) as records:
        missing = evaluate_into(records, loaded, [method], [judge], crowd or [], options)
    rows = read_rows(out)
    if rows.label.isin(["A", "B"]).any():
        # Not before: its libraries take a second to load, and bad input is refused without them.
        from cce.analysis import accuracy_table, print_table, scored
        from cce.analysis.elsewhere.score import by_subset

        print_table(accuracy_table(scored(rows, scoring)))
        if rows.subset.nunique() > 1:
            tell()
            print_table(accuracy_table(scored(by_subset(rows), scoring)))
    tell(f"judgments: {out}")
    _refuse_missing(missing, len(rows))


@app.command()
@asking
def pick(
    responses: Annotated[
        str, Argument(help='A file of pools, {"id": ..., "instruction": ..., "responses": [...]}, or rewardbench2.')
    ],
    out: Annotated[Path, Option(help="Where to write what was picked: JSON, one object per pool.")],
    options: Options,
    judge: Annotated[str | None, Option(help="The judge, as of `cce judge`; random and longer need none.")] = None,
    method: Annotated[
        str, Option(help="random, vanilla, cce@N or another of `cce judge`; cce@4 suits four responses.")
    ] = "cce@4",
    crowd: Annotated[list[str] | None, Option(help="A crowd model beside the other responses; once per model.")] = None,
    limit: Annotated[int | None, Option(help="Pick of only so many pools, drawn at random by the seed.")] = None,
    data_dir: Annotated[str | None, Option(help="Folder of the published files.")] = None,
) -> None:
    """Pick the best of several responses to each instruction, one JSON object per pool."""
    from cce.benchmarks import load_pools
    from cce.chat.picking import pick as picked_by
    from cce.crowd.record import Records

    pools = load_pools(responses, data_dir, limit, options.seed)
    with Records(out) as records:
        frame = picked_by(pools, method, judge, crowd or [], options, out=records)
    comparisons, unreadable, calls = frame[["comparisons", "unreadable", "calls"]].sum()
    tokens = frame.prompt_tokens.sum() + frame.completion_tokens.sum()
    tell(f"{len(frame):,} pools, {comparisons:,} comparisons, {unreadable:,} of them without a readable verdict")
    tell(f"{method} took {calls:,} calls and {tokens:,} tokens")
    if any(pool.correct for pool in pools):
        from cce.analysis import pool_table, print_table

        print_table(pool_table(frame))
    tell(f"picked: {out}")


@app.command()
def score(
    judgments: Annotated[
        str, Argument(help="A file of judgments by any judge, a folder of LLMBar's, or a name: llmbar_judgments, ...")
    ],
    pairs: Annotated[
        str | None, Option(help="The pairs that were judged: a file or benchmark, for their labels.")
    ] = None,
    by: Annotated[str, Option(help="What is compared: method, of each judge; or judge, of each method.")] = "method",
    baseline: Annotated[
        str | None, Option(help="What the others are compared with; vanilla, or else the first.")
    ] = None,
    column: Annotated[
        list[str] | None, Option(metavar="FIELD=NAME", help="What the file calls a field, such as verdict=winner.")
    ] = None,
    votes: Annotated[str | None, Option(help="People's votes: a file with id, rater and vote.")] = None,
    subsets: Annotated[bool, Option("--subsets", help="Each subset apart.")] = False,
    ties: Annotated[str, Option(help="Pairs whose label is a tie: out, half, or own.")] = "out",
    scoring: Annotated[str, Option(help="paper, or standard to count a judge's ties half.")] = "paper",
    sought: Annotated[float, Option(help="The difference in points that the pairs needed are to show.")] = 5.0,
    data_dir: Annotated[str | None, Option(help="The folder of a name's published files, or hub.")] = None,
) -> None:
    """Say how good judgments are that anyone has made: accuracy, agreement, and differences, with their intervals."""
    import pandas as pd

    from cce.analysis import in_words, print_table
    from cce.analysis.calibration import calibration_table, gives_probabilities
    from cce.analysis.elsewhere import load_judgments
    from cce.analysis.elsewhere.score import DIFFERENCES, beside_people, compared, told
    from cce.benchmarks.files import read_rows

    named = dict(one.partition("=")[::2] for one in column or [])
    frame = load_judgments(judgments, data_dir, pairs, **named)
    if votes:
        print_table(beside_people(frame, pd.DataFrame(read_rows(Path(votes)))))
        tell()
    if frame.label.isna().all():
        return tell(told(frame, ties))
    accuracies, differences = compared(frame, by, baseline, subsets, ties, scoring, sought)
    print_table(accuracies)
    if gives_probabilities(frame):
        tell()
        print_table(calibration_table(frame))
    if len(differences):
        tell()
        print_table(differences[DIFFERENCES])
        tell(in_words(differences))
    tell(told(frame, ties))


def _refuse_missing(missing: int, judgments: int) -> None:
    if missing:
        raise ResultsMissing(f"{missing:,} of {judgments:,} judgments are missing; run again to ask for these alone")


@app.command()
def serve(
    folder: Annotated[Path, Argument(help="A student's folder, as a training leaves it.")],
    port: Annotated[int, Option(min=0, max=65535, help="Of the loopback interface; 0 for a free one.")] = 8000,
) -> None:
    """Serve a trained student by the OpenAI chat API, until Ctrl-C, to whoever has the key that it prints."""
    from cce.models.engines import engine_of, student_name
    from cce.models.gate import serve as served

    # So that an engine in a process of its own is stopped as well.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    engine = engine_of(folder)
    tell(f"{engine.name}: {engine.why}")
    with suppress(KeyboardInterrupt):
        served(student_name(folder), engine.start(), port)


@app.command()
def run(
    profile: Profile, notebooks: Notebooks = None, shard: Shard = None, parameter: Given = None, models: Models = None
) -> None:
    """Run a profile's notebooks, all or those named, and say where the results lie."""
    use_models(models)
    import pandas as pd

    from cce.analysis import print_table
    from cce.runner import failed_in, run_profile

    files = run_profile(profile, notebooks, shard, by_hand(parameter or []))
    for table in (file for file in files if file.suffix == ".csv"):
        print_table(pd.read_csv(table))
    tell("\n".join(map(str, files)))
    _refuse_missing(*failed_in(files))


@app.command()
def plan(
    profile: Profile,
    notebooks: Notebooks = None,
    parameter: Given = None,
    models: Models = None,
    exact: Annotated[bool, Option("--exact", help="Plan every pair, which takes minutes, and no sample.")] = False,
) -> None:
    """Say what `cce run` would ask for, in calls, tokens, US dollars and hours; ask for nothing."""
    use_models(models)
    from cce.planning import plan_profile
    from cce.prices import print_plan

    planned, failure = plan_profile(profile, notebooks, by_hand(parameter or []), exact)
    if planned:
        print_plan(planned)
    if failure:
        raise failure


@app.command()
def report(
    folder: Annotated[Path, Argument(help="A run's folder, such as runs/demo.")], store: RunsStore = None
) -> None:
    """Make one page of a run, FOLDER/report.html: the paper's results beside ours, the costs, and every case."""
    from cce.analysis.report import report as written

    tell(written(folder, store))


@app.command()
def export(
    run: Annotated[Path, Argument(help="A run's folder, such as runs/demo.")],
    folder: Annotated[Path, Argument(help="A new folder for the files and their card.")],
    store: RunsStore = None,
) -> None:
    """Write a run's judgments, crowd answers and crowd judgments as a data set that others can load."""
    from cce.analysis.export import export as exported

    tell("\n".join(map(str, exported(run, folder, store))))


def main() -> None:
    """Run a command; an error that the user can act on is one line, and says by its exit status which kind it is."""
    from cce.models.loop import heed_schedulers

    heed_schedulers()
    warnings.formatwarning = lambda message, *_: f"warning: {visible(str(message))}\n"
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except CCEError as error:
        tell(f"error: {error}", file=sys.stderr)
        sys.exit(error.status)
    except SystemExit as stop:
        if stop.code == 130:  # by Ctrl-C
            tell("stopped; what has arrived is in the store, and this goes on from there:", file=sys.stderr)
            tell(shlex.join(["cce", *sys.argv[1:]]), file=sys.stderr)
        raise
    except OSError as problem:
        # Of a file that no command has foreseen, or what is printed into a full disk or a closed pipe: nothing more is
        # to be written there at the end.
        sys.stdout = None
        remedy = "; allow more by `ulimit -n 4096`" if problem.errno == errno.EMFILE else ""
        tell(f"error: {problem.filename or 'standard output'}: {problem.strerror or problem}{remedy}", file=sys.stderr)
        sys.exit(1)
