"""Forms: what states a value can be read again, in words or by the next token, as each reader wants it."""

import pytest

from cce.crowd.methods.published import FORMATS
from cce.crowd.ratings import DIGITS, RATINGS
from cce.crowd.verdict import LETTERS, MARKS
from cce.models.dry_run import supposed
from cce.models.wire import Expects, Request

RATIONALE = "On one point the first is better.\nOn another it is not; 7 of 10 would say so."
WINS = [1.0, 0.0]
WORDS = {"marks": (MARKS, [*WINS, 0.5])}
WORDS |= {name: (FORMATS[name], [*WINS, 0.5]) for name in ("judgelm", "pandalm", "auto-j")}
WORDS |= {name: (FORMATS[name], WINS) for name in ("prometheus", "prometheus-2")}
WORDS |= {"ratings": (RATINGS, [1, 2.5, 7, 9.99, 10])}
SHARES = {"letters": (LETTERS, [0.01, 0.3, 0.5, 0.77, 0.99]), "digits": (DIGITS, [1, 1.2, 5, 6.5, 8.75, 9])}
FORMS = {name: form for name, (form, _) in (WORDS | SHARES).items()}


def cases(forms: dict) -> list:
    return [
        pytest.param(form, value, id=f"{name} {value}") for name, (form, values) in forms.items() for value in values
    ]


def test_no_format_of_a_published_judge_is_left_out():
    assert set(FORMATS) < set(FORMS)


@pytest.mark.parametrize(("form", "value"), cases(WORDS | SHARES))
def test_what_was_written_is_read_again(form, value):
    assert form.least <= value <= form.most
    assert form.read(form.write(value, RATIONALE)) == pytest.approx(value)


@pytest.mark.parametrize(("form", "value"), cases(WORDS))
def test_words_keep_the_rationale(form, value):
    assert RATIONALE in form.write(value, RATIONALE)


@pytest.mark.parametrize("name", WORDS)
def test_a_rationale_alone_states_no_value(name):
    assert FORMS[name].of == "text"
    assert FORMS[name].read(RATIONALE) is FORMS[name].read("") is None


@pytest.mark.parametrize("name", SHARES)
def test_other_tokens_state_no_value(name):
    assert FORMS[name].of == "first_token"
    assert FORMS[name].read({"Sure": -0.1, "0": -3.0}) is FORMS[name].read(None) is None


@pytest.mark.parametrize("name", FORMS)
def test_what_a_dry_run_supposes_is_read_on_both_sides_of_the_middle(name):
    form, request = FORMS[name], Request({"model": "m"}, Expects("judgment", FORMS[name]))
    keys = (f"{number:02x}" * 32 for number in range(256))
    found = [form.read(getattr(supposed(request, 400, key), form.of)) for key in keys]
    middle = (form.least + form.most) / 2
    assert all(form.least <= value <= form.most for value in found)
    assert any(value < middle for value in found)
    assert any(value > middle for value in found)
