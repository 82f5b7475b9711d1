"""The commands of `cce batch`: a run whose completions are made elsewhere, round by round."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Typer

from cce.arguments import Given, Models, Notebooks, Profile, by_hand, use_models
from cce.errors import ResultsMissing
from cce.text import tell

app = Typer(no_args_is_help=True, help="Write what a run needs as batch files, and read the results.")
Round = Annotated[Path, Argument(metavar="DIR", help="The folder of one round.")]


@app.command()
def write(
    profile: Profile, folder: Round, notebooks: Notebooks = None, parameter: Given = None, models: Models = None
) -> None:
    """Write what `cce run` needs next into the new folder DIR: of each model one file in OpenAI's batch form."""
    use_models(models)
    from cce.rounds import write_round

    wanted = write_round(profile, folder, notebooks, by_hand(parameter or []))
    for model, number in wanted.items():
        tell(f"{model}: {number:,} requests")
    tell(f"put the results there, then: cce batch read {folder}" if wanted else "nothing is left to ask")


@app.command()
def read(folder: Round, models: Models = None) -> None:
    """Take the results in DIR, in files of any name that ends in .jsonl, into the run's store; an error without any."""
    use_models(models)
    from cce.rounds import read_round

    for taken in (rows := list(read_round(folder))):
        said = f"{taken.model}: {taken.kept:,} answers are in the store, {taken.failed:,} failed"
        tell(f"{said}, {taken.foreign:,} are of another model, {taken.left:,} have no result")
    if not any(taken.kept for taken in rows):
        raise ResultsMissing(f"{folder}: no answer of it is in the store yet")
