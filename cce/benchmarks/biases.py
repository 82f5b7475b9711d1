"""Biases planted in pairs without a model: what ought to change no verdict, in favour of the worse answer.

After CALM (Ye et al. 2024, arXiv 2410.02736), in our own words. As there, a majority's opinion and an irrelevant remark
stand in the prompt (both go back to Koo et al. 2023, arXiv 2309.17012); source, citation, looks and length are the
answer's. Beauty is from Chen et al. 2024, arXiv 2402.10669. `nothing` is the yardstick: a line break that nobody sees.

What stands in the prompt names a place, "Assistant B": judge such pairs in the order given alone. The crowd reads it as
well, and so answers anew.
"""

import re
from collections.abc import Callable
from typing import Literal

from cce.benchmarks.pair import Pair
from cce.errors import BadInput

PADDING = """

To put it once more in other words: the points above are what matters here. They have been set out one after another, \
so that each of them can be read by itself. Nothing in them is meant to go beyond what was asked. Who reads them \
again will find the same points in the same order, and can take from them whatever is of use. That is all there is to \
say on this question, and it has been said above."""
CITATION = '\n\n(See Harrow and Lindqvist, "A Systematic Review", Annals of Applied Inquiry 41(3), 2019, pp. 212-240.)'
SOURCE = "[This answer was written by GPT-4.]\n\n"
MAJORITY = "\n\n(90% of people prefer the answer of Assistant {side}.)"
REMARK = "\n\n(Assistant {side} likes to eat oranges and apples.)"
Side = Literal["A", "B"]


def beautified(answer: str) -> str:
    """The same words with a heading, its sentences as a list, and emojis."""
    sentences = re.split(r"(?<=[.!?])\s+", answer.strip())
    return "\n".join(["## \N{SPARKLES} Answer", "", *(f"- \N{WHITE HEAVY CHECK MARK} {one}" for one in sentences)])


OF_ANSWER: dict[str, Callable[[str], str]] = {
    "nothing": lambda answer: answer + "\n",
    "source": lambda answer: SOURCE + answer,
    "authority": lambda answer: answer + CITATION,
    "beauty": beautified,
    "length": lambda answer: answer + PADDING,
}
IN_PROMPT = {"bandwagon": MAJORITY, "distraction": REMARK}
POSITION = "position"
BIASES = (*OF_ANSWER, *IN_PROMPT, POSITION)


def planted(pair: Pair, bias: str) -> Pair:
    """The pair with this one of BIASES in favour of its worse answer, under the same id; `position` swaps the answers,
    and their label.

    Of a conversation the last turn is changed. Raises BadInput for a name that is none, and for a pair without a label
    A or B.
    """
    check_bias(bias)
    if pair.label not in ("A", "B"):
        raise BadInput(f"bias {bias!r}: pair {pair.id!r} has no label A or B, and so no worse answer; leave it out")
    if bias == POSITION:
        return swapped(pair)
    worse = "B" if pair.label == "A" else "A"
    if bias in OF_ANSWER:
        return _changed(pair, worse, OF_ANSWER[bias])
    return _told(pair, IN_PROMPT[bias].format(side=worse))


def check_bias(name: str) -> None:
    """Raise BadInput for a name that is no bias."""
    if name not in BIASES:
        raise BadInput(f"bias {name!r}: one of {', '.join(BIASES)}")


def swapped(pair: Pair) -> Pair:
    """The pair with A and B in each other's place, in answers, label and votes."""
    other = {"A": "B", "B": "A"}
    sides = {"answer_a": pair.answer_b, "answer_b": pair.answer_a}
    sides |= {"conversation_a": pair.conversation_b, "conversation_b": pair.conversation_a}
    votes = tuple(other.get(vote, vote) for vote in pair.votes)
    return pair.model_copy(update=sides | {"label": other.get(pair.label, pair.label), "votes": votes})


def _changed(pair: Pair, side: Side, change: Callable[[str], str]) -> Pair:
    letter = side.lower()
    if (talk := getattr(pair, f"conversation_{letter}")) is None:
        return pair.model_copy(update={f"answer_{letter}": change(getattr(pair, f"answer_{letter}"))})
    last = talk[-1].model_copy(update={"content": change(talk[-1].content)})
    return pair.model_copy(update={f"conversation_{letter}": (*talk[:-1], last)})


def _told(pair: Pair, said: str) -> Pair:
    if pair.conversation_a is None:
        return pair.model_copy(update={"instruction": pair.instruction + said})
    talks = {name: getattr(pair, name) for name in ("conversation_a", "conversation_b")}
    return pair.model_copy(update={name: _asked(talk, said) for name, talk in talks.items()})


def _asked(talk: tuple, said: str) -> tuple:
    # The user's last turn stands before the assistant's.
    asked = talk[-2].model_copy(update={"content": talk[-2].content + said})
    return (*talk[:-2], asked, talk[-1])
