"""What must hold of every final judgment that the fake server is asked for, whichever way it was asked."""

import re
from collections import Counter

from tests.fake_server import NOTE, FakeServer, sections, user_prompt


def notes_of(request: dict) -> list[str]:
    """The notes in the prompt of a final judgment."""
    shown = sections(user_prompt(request))
    return [text for title, text in shown.items() if NOTE.match(title)]


def qualities_in(note: str) -> dict[str, int]:
    """The names in a note, with the quality that the judge saw in each."""
    return {name: int(quality) for name, quality in re.findall(r"Assistant (\w+) shows quality=(\d+)", note)}


def check_finals(server: FakeServer) -> None:
    """Each note tells of a comparison that A or B lost, under the name of the answer shown, without a verdict."""
    finals = server.of_kind("final")
    assert finals
    for request in finals:
        shown = sections(user_prompt(request))
        for note in notes_of(request):
            seen = qualities_in(note)
            (candidate,), (crowd,) = set(seen) & {"A", "B"}, set(seen) - {"A", "B"}
            assert seen[crowd] > seen[candidate]
            assert f"quality={seen[candidate]}." in shown[f"Assistant {candidate}'s answer"]
            assert not re.search(r"\[\s*\[?|\bis better\b", note)


def expected_requests(pairs: list[tuple[int, int]], crowd: list[int], orders: int) -> Counter:
    """How many requests vanilla, maj@2, cce@2 and cce@4 need together for pairs of these qualities.

    cce@2 takes one lost comparison a side, cce@4 up to two, and where there is no second one both ask alike.
    """
    lost = [[min(2, sum(member > answer for member in crowd)) for answer in pair] for pair in pairs]
    finals = sum(1 + (sum(sides) > 2) for sides in lost)
    comparisons = len(pairs) * (1 + 2 + 2 * len(crowd))
    return Counter(
        {
            "crowd answer": len(pairs) * len(crowd),
            "comparison": orders * comparisons,
            "removal": orders * sum(map(sum, lost)),
            "final": orders * finals,
        }
    )
