"""Bounds on what this process may spend on completions."""


def limit(*, max_calls: int | None = None, max_total_tokens: int | None = None, max_cost: float | None = None) -> None:
    """Let this process spend so much from now on, at most; None sets no bound."""
