"""The commands of `cce store`: what is done to stores of completions, rather than with them."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Typer

from cce.errors import RowsDamaged
from cce.text import tell

app = Typer(no_args_is_help=True, help="Work on stores of completions.")


@app.command()
def merge(
    into: Annotated[Path, Argument(help="The store that takes them all; made if missing.")],
    sources: Annotated[list[Path], Argument(metavar="FROM...", help="Stores to read, left as they are.")],
) -> None:
    """Put all completions of the stores FROM into the store INTO; what INTO has already stays."""
    from cce.models.upkeep import merge as merged

    for source, found in zip(sources, merged(into, sources), strict=True):
        tell(f"{source}: {found.added:,} completions added to {into}, {found.there:,} were there already")
        if found.different:
            tell(f"{source}: {found.different:,} of these have another answer there, which stays")
        if found.damaged:
            tell(f"{source}: {found.damaged:,} rows are damaged, and were left out")


@app.command()
def check(store: Annotated[Path, Argument(help="A store of completions; it is only read.")]) -> None:
    """Say how many completions a store holds, and how many of its rows are damaged; these are asked for again."""
    from cce.models.upkeep import check as checked

    found = checked(store)
    tell(f"{store}: {found.sound:,} completions, {found.damaged:,} damaged rows")
    if found.damaged:
        raise RowsDamaged(f"{store}: a run leaves damaged rows out, and asks for them again")
