"""`python -m cce` is the command `cce`."""

from cce.cli import main

main()
