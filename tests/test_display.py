"""How pairs, judgments and results show themselves: every stage to see, and no text that does more than be read."""

from html.parser import HTMLParser

import pytest
from IPython.core.formatters import DisplayFormatter
from IPython.lib.pretty import pretty

from cce import judge
from cce.benchmarks.pair import Pair
from cce.crowd.result import Result, side_by_side
from cce.display import Section, difference
from tests.conftest import planted_pair

HOSTILE = """</div></details><script>alert(1)</script><img src=x onerror="alert(2)"> {{ 7 * 7 }} {% raw %} '"&lt;"""
TAGS = {"style", "div", "section", "p", "strong", "details", "summary", "del", "ins"}


class Page(HTMLParser):
    """What a browser makes of HTML: tags, attributes, text."""

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.attributes, self.open, self.text = set(), set(), [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += "" if self.open[-1:] == ["style"] else data


@pytest.fixture
def result(server):
    """A pair of hostile texts, judged with a crowd by a judge that quotes them."""
    pair = planted_pair(0, 5, 7, why=HOSTILE, crowd=(f"{HOSTILE} quality=9",))
    pair = pair.model_copy(update={"id": HOSTILE, "answer_a": f"{HOSTILE} quality=5", "instruction": HOSTILE})
    return judge(pair, "cce@4", server.model("obedient-judge"), [server.model("crowd-8")])


def test_hostile_text_is_nothing_but_text_in_html(result):
    for shown in (result, result.pair, result.judgment(), side_by_side([result, result])):
        page = Page(shown._repr_html_())
        assert (page.tags <= TAGS, page.attributes <= {"class", "dir", "tabindex"}, page.open) == (True, True, [])
        assert HOSTILE in page.text
    assert Page(result._repr_html_()).text.count(HOSTILE) > 10


def test_plain_text_holds_the_texts_as_they_are_and_no_html(result):
    assert HOSTILE in str(result)
    assert "cce-text" not in str(result) and "&amp;" not in str(result) and "<del>" not in str(result)


def test_a_text_cannot_steer_the_terminal():
    said = str(Section("t\x1b[2J", "red \x1b[31m, bell \x07, C1 \x9b, tab\tand line\nstay"))
    assert said == "t␛[2J\n  red ␛[31m, bell ␇, C1 �, tab\tand line\n  stay"


def test_a_pair_shows_which_answer_is_better_and_why(pairs):
    pair = pairs[0].model_copy(update={"why": "It knows."})
    lines = [line.strip() for line in str(pair).splitlines()]
    assert lines == [
        "Pair pair-0 of planted",
        "Question",
        "Question 0?",
        "Answer A",
        "Answer one to 0, quality=2.",
        "Answer B, the better one by the label",
        "Answer two to 0, quality=7.",
        "Why",
        "It knows.",
    ]


def test_a_conversation_shows_turn_by_turn_and_no_label_where_there_is_none():
    asked = [{"role": "user", "content": text} for text in ("Hello?", "More?")]
    a, b = ([{"role": "assistant", "content": f"{side}{turn}"} for turn in (1, 2)] for side in "ab")
    talks = {"conversation_a": [asked[0], a[0], asked[1], a[1]], "conversation_b": [asked[0], b[0], asked[1], b[1]]}
    lines = [line.strip() for line in str(Pair(id="talk", **talks)).splitlines()]
    assert lines[1:7] == ["Question 1", "Hello?", "Answer A", "a1", "Answer B", "b1"]
    assert lines[7:] == ["Question 2", "More?", "Answer A", "a2", "Answer B", "b2"]


def test_a_judgment_in_both_orders_says_what_each_found():
    read = {"p_a": 0.5, "p_given": 1.0, "p_swapped": 0.0, "text": "I like A.", "text_swapped": "I like A again."}
    read |= {"trace": {"final": []}}
    shown = str(Result(read, None, []).judgment())
    assert shown.startswith("Verdict: tie\n")
    assert "in the order given: A\n    I like A.\n" in shown
    assert "in the swapped order, where A is called B: B\n    I like A again." in shown
    one_order = read | {"text_swapped": None}
    assert str(Result(one_order | {"p_a": 0.25}, None, []).judgment()).startswith("Verdict: B (probability of A 0.25)")
    assert str(Result(one_order | {"p_a": None}, None, []).judgment()).startswith("Verdict: unreadable")


def test_a_result_shows_every_stage(server):
    pair = planted_pair(0, 5, 7, why="Planted.")
    result = judge(pair, "cce@4", server.model("judge"), [server.model("crowd-6"), server.model("crowd-9")])
    said = [line.strip() for line in str(result).splitlines()]
    assert said[0] == "cce@4 by judge: B, right by the label"
    assert {"Crowd answers: 2", "C: crowd-6", "Crowd answer, quality=9, sample 0."} <= set(said)
    judgments = said[said.index("Crowd judgments: 4, selected: 3") + 1 :][:4]
    assert judgments == [
        "A against C: lost, selected",
        "B against C: won",
        "A against D: lost, selected",
        "B against D: lost, selected",
    ]
    assert sum(line.endswith("[- Assistant B is better.") for line in said) == 2
    assert "Notes in the prompt: 3, with what outcome removal cut and what it wrote instead" in said
    assert said[-1].startswith(f"{result['calls']} calls, {result['prompt_tokens']:,} prompt and ")


def test_html_strikes_out_what_outcome_removal_cut_and_folds_the_prompt(server):
    pair = planted_pair(0, 5, 7)
    result = judge(pair, "cce@2", server.model("judge"), [server.model("crowd-9")])
    html = result._repr_html_()
    assert html.count("<del> Assistant B is better.\n[[B]]</del>") == 1
    folded = html.split("In the order given: ")[1].split("</details>")[0]
    assert "Note 1" in folded and "Assistant C shows quality=9" in folded


def test_what_no_removal_has_touched_shows_no_difference(server):
    pair = planted_pair(0, 5, 7)
    result = judge(pair, "cce-criticizing@2", server.model("judge"), [server.model("crowd-9")])
    assert "Notes in the prompt: 2\n" in str(result)
    assert "[-" not in str(result)


@pytest.mark.parametrize("method", ["vanilla", "maj@3", "agg@3", "16-criteria"])
def test_a_result_without_a_crowd_shows_no_stage_of_one(server, pairs, method):
    said = str(judge(pairs[0], method, server.model("judge")))
    assert said.startswith(f"{method} by judge: B, right by the label")
    assert "rowd" not in said and "Notes" not in said
    assert "Final prompt" in said and "Assistant B shows quality=7" in said


def test_a_result_of_no_model_shows_neither_prompt_nor_rationale(pairs):
    said = str(judge(pairs[0].model_copy(update={"answer_a": "long " * 9}), "longer"))
    assert said.startswith("longer by none: A, wrong by the label")
    assert "prompt\n" not in said and "Rationale" not in said


def test_a_missing_judgment_says_why(server, pairs):
    server.refused = "Question 0?"
    with pytest.warns(UserWarning, match="missing"):
        said = str(judge(pairs[0], "vanilla", server.model("judge")))
    assert said.startswith("vanilla by judge: missing, since ") and "content policy" in said.splitlines()[0]
    assert "unreadable" not in said


def test_a_difference_tells_both_texts():
    before, after = "Assistant A  is better.\n\nIt is short. [[A]]", "It is short,\nand A knows. "
    pieces = difference(before, after)
    assert "".join(piece.text for piece in pieces if piece.change != "new") == before
    assert [word for piece in pieces if piece.change != "cut" for word in piece.text.split()] == after.split()
    assert str(Section("d", difference("It is better.", "It is short."))) == "d\n  It is[- better.-]{+ short.+}"
    assert difference("", "") == ()


def test_ipython_shows_html_and_text_and_a_list_in_lines(pairs):
    formats, _ = DisplayFormatter().format(pairs[0])
    assert formats["text/plain"] == str(pairs[0])
    assert formats["text/html"].startswith("<style>")
    assert pretty(pairs[:1]) == f"[{pairs[0]!r}]"


def test_repr_stays_what_it_was_for_a_failing_test(server, pairs):
    result = judge(pairs[0], "vanilla", server.model("judge"))
    assert repr(result) == repr(dict(result))
    assert repr(pairs[0]).startswith("Pair(id='pair-0', ")
