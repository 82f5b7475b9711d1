"""Does the kit keep up with a fast endpoint, and stay small?

Set-up: 5,000 requests by vanilla, 256 in flight, 20 ms a request. Floor: the same requests by plain AsyncOpenAI under a
semaphore. Bounds: 1.2 times the floor, medians of three; 400 MB at the peak.
"""

from bench.figure import Figure
from bench.race import race


def figures(rounds: int = 3, pairs: int = 5000, in_flight: int = 256, latency: float = 0.02) -> list[Figure]:
    """Seconds and peak memory of kit and floor."""
    kit, floor = race(rounds, latency, pairs, "vanilla", 0, in_flight)
    what = f"{pairs:,} requests, {in_flight} in flight, {latency * 1000:g} ms"
    note = f"server busy {kit['server']:.0%} of a core, {floor['server']:.0%} under the floor"
    return [
        Figure(what, kit["seconds"], "s", floor["seconds"], 1.2, note=note),
        Figure(f"{what}: peak memory", kit["peak_mb"], "MB", floor["peak_mb"], 400, relative=False),
    ]
