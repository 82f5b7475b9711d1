"""Scripts that `bench.peers` runs, each by the interpreter of the package that it is named after."""
