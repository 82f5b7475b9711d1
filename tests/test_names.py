"""Names of methods: taken apart and put together, and kept apart where they differ."""

import pytest

from cce.analysis.paper import paper_accuracy, sought_gain
from cce.names import Noise, family, method_name, method_parts, without_prompts


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("vanilla", ("vanilla", None, None, None)),
        ("cce@16:paper", ("cce", 16, None, "paper")),
        ("cce-praising@8~flipped25", ("cce-praising", 8, Noise("flipped", 25), None)),
        ("cce-random+removal@4~foreign100:kit", ("cce-random+removal", 4, Noise("foreign", 100), "kit")),
        ("mine~liar7", ("mine", None, Noise("liar", 7), None)),
    ],
)
def test_a_name_has_these_parts_and_is_made_of_them_again(name, parts):
    assert method_parts(name) == parts
    assert method_name(method_parts(name)) == name


@pytest.mark.parametrize("noise", ["flipped0", "flipped101", "flipped05", "flipped", "flipped2.5", "loud5", "Flipped5"])
def test_what_is_no_noise_makes_a_family_that_nobody_knows(noise):
    assert method_parts(f"cce@4~{noise}").family == f"cce@4~{noise}"


def test_a_noisy_method_stays_apart_from_the_one_without_noise():
    assert family("cce@16~flipped25:paper") == "cce~flipped25:paper"
    assert without_prompts("cce@16~flipped25:paper") == "cce@16~flipped25"
    assert len({family(f"cce@4{noise}") for noise in ("", "~flipped25", "~flipped50", "~liar25")}) == 4


def test_the_paper_has_no_number_for_a_noisy_crowd():
    for known, name in ((True, "cce@16"), (False, "cce@16~flipped25")):
        found = paper_accuracy("rewardbench", "gpt-4o", name), sought_gain("rewardbench", "gpt-4o", name, "vanilla")
        assert all((number == number) is known for number in found)
