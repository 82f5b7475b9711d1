"""What each member of a crowd carries, from what every coalition of them is worth.

A coalition's value is an array over pairs, or votes. Coalition `place` of `coalitions(n)` has the members that are the
bits of `place`: 0 is nobody, the last one everybody.
"""

from collections.abc import Callable
from math import factorial

import numpy as np


def coalitions(members: int) -> np.ndarray:
    """All coalitions of so many members: bool, by coalition and member."""
    return np.arange(2**members)[:, None] >> np.arange(members) & 1 == 1


def alone(value: np.ndarray) -> np.ndarray:
    """By member, what a coalition of it alone is worth."""
    return value[1 << np.arange(_members(value))]


def left_out(value: np.ndarray) -> np.ndarray:
    """By member, what the coalition of all loses without it."""
    everybody = len(value) - 1
    return value[everybody] - value[everybody ^ 1 << np.arange(_members(value))]


def shapley(value: np.ndarray) -> np.ndarray:
    """By member, the mean over all orders in which members may come of what this one adds (Shapley 1953).

    The members' add up to what all of them are worth less what nobody is.
    """
    members = _members(value)
    of = coalitions(members)
    ways = np.array([factorial(size) * factorial(members - size - 1) / factorial(members) for size in range(members)])
    found = []
    for member in range(members):
        without = np.flatnonzero(~of[:, member])
        added = value[without | 1 << member] - value[without]
        found.append(np.tensordot(ways[of[without].sum(axis=1)], added, axes=1))
    return np.array(found)


def sampled_shapley(
    value_of: Callable[[np.ndarray], np.ndarray], members: int, orders: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The same over so many orders drawn by the seed, for more members than all coalitions can be looked at.

    `value_of` takes coalitions as `coalitions` has them. Returns the values by member and pair, and by member the
    standard error of the mean over pairs that the drawing leaves.
    """
    drawn, added = np.random.default_rng(seed), []
    total = 0.0
    for order in (drawn.permutation(members) for _ in range(orders)):
        # The coalitions that grow by one in this order.
        grown = np.arange(members + 1)[:, None] > np.argsort(order)
        gains = np.diff(value_of(grown), axis=0)[np.argsort(order)]
        total = total + gains
        added.append(gains.mean(axis=1))
    return total / orders, np.std(added, axis=0, ddof=1) / np.sqrt(orders)


def _members(value: np.ndarray) -> int:
    return len(value).bit_length() - 1
