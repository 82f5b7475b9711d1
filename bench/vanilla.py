"""What does the kit cost on top of its client?

Set-up: 400 pairs by vanilla, 32 requests in flight, 200 ms a request. Floor: the same requests by plain AsyncOpenAI
under a semaphore. Bound: 1.15 times the floor, medians of three.
"""

from bench.figure import Figure
from bench.race import race


def figures(rounds: int = 3, pairs: int = 400, in_flight: int = 32, latency: float = 0.2) -> list[Figure]:
    """Seconds of kit and floor."""
    kit, floor = race(rounds, latency, pairs, "vanilla", 0, in_flight)
    what = f"vanilla: {pairs:,} pairs, {in_flight} in flight, {latency * 1000:g} ms"
    note = f"server busy {kit['server']:.0%} of a core, {floor['server']:.0%} under the floor"
    return [Figure(what, kit["seconds"], "s", floor["seconds"], 1.15, note=note)]
