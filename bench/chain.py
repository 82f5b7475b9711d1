"""Does a pair ever wait for another pair's stage?

Set-up: cce@16 over 100 pairs with 8 crowd models, 64 requests in flight, 50 ms a request. A pair's longest chain is
four calls: crowd answer, crowd judgment, outcome removal, final judgment. Floor: the ideal, the larger of calls x
latency / in flight and chain x latency. Bound: 1.2 times the ideal. Beside it stands what plain AsyncOpenAI needs for
the same requests, none of which waits for another there.
"""

from bench.figure import Figure
from bench.race import race

CHAIN = 4


def figures(
    rounds: int = 3, pairs: int = 100, crowd: int = 8, in_flight: int = 64, latency: float = 0.05
) -> list[Figure]:
    """Seconds of the kit beside the ideal, and beside the floor of the client alone."""
    kit, floor = race(rounds, latency, pairs, f"cce@{2 * crowd}", crowd, in_flight)
    ideal = max(kit["requests"] * latency / in_flight, CHAIN * latency)
    what = f"cce@{2 * crowd}: {pairs:,} pairs, {crowd} crowd models, {in_flight} in flight, {latency * 1000:g} ms"
    note = f"{kit['requests']:,} requests; server busy {kit['server']:.0%} of a core"
    return [
        Figure(f"{what}, beside the ideal", kit["seconds"], "s", ideal, 1.2, note=note),
        Figure(f"{what}, beside the client alone", kit["seconds"], "s", floor["seconds"]),
        Figure("the client alone, beside the ideal", floor["seconds"], "s", ideal),
    ]
