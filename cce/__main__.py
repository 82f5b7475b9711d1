"""`python -m cce` is the command `cce`."""

from cce.cli import main

if __name__ == "__main__":  # and not where a process of its own is started
    main()
