"""Statistics, the paper's numbers, and figures."""
