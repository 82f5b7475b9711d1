"""Before anything is sent: what is said of pairs that are not what they should be, and of what cannot be meant."""

import json
import warnings

import pytest
import yaml

from cce import evaluate, judge, load_pairs, pick
from cce.benchmarks.doubts import doubts_of
from cce.benchmarks.pair import Instruction, Pair, Pool
from cce.chat.picking import sample_responses
from cce.crowd.methods import METHODS
from cce.errors import BadInput
from cce.models.settings import settings_of
from cce.parameters import check
from cce.runner import checked
from cce.yaml_files import parse_yaml, read_yaml
from tests.conftest import planted_pair


def planted(**fields) -> list[Pair]:
    """Four pairs, of which the last has other fields."""
    pairs = [planted_pair(place, 2 + place, 7 - 2 * place) for place in range(4)]
    return [*pairs[:-1], pairs[-1].model_copy(update=fields)]


DOUBTS = {
    "the same answer twice": ({"answer_a": "x", "answer_b": "x"}, "1 of 4 pairs holds the same answer twice"),
    "an empty answer": ({"answer_b": ""}, "1 of 4 pairs holds an empty answer"),
    "a blank answer": ({"answer_a": " \n"}, "1 of 4 pairs holds an empty answer"),
    "the question as an answer": ({"answer_a": "Question 3?\n"}, "1 of 4 pairs holds its question as an answer"),
    "no label": ({"label": None}, "1 of 4 pairs has no label"),
}


class TestDoubts:
    """Pairs that no judge can do much with: counted and named, and judged all the same."""

    def test_good_pairs_raise_none(self, pairs):
        assert doubts_of(pairs) == doubts_of(load_pairs("pocket")) == []

    @pytest.mark.parametrize(("fields", "message"), DOUBTS.values(), ids=DOUBTS)
    def test_each_is_one_line_with_its_count_and_id(self, fields, message):
        (said,) = doubts_of(planted(**fields))
        assert said.startswith(f"{message} ('pair-3'): ")

    @pytest.mark.parametrize("swapped", [False, True])
    def test_the_same_pair_again_is_counted_across_benchmarks(self, swapped):
        again = planted()[0].model_copy(update={"id": "other", "benchmark": "elsewhere"})
        if swapped:
            again = again.model_copy(update={"answer_a": again.answer_b, "answer_b": again.answer_a, "label": "A"})
        (said,) = doubts_of([*planted(), again])
        assert said.startswith(
            "2 of 5 pairs stand there more than once, with the same texts ('planted: pair-0', 'elsewhere: other'): each"
        )

    def test_only_the_first_are_named(self):
        pairs = [pair.model_copy(update={"label": None}) for pair in planted()] * 500
        assert "2,000 of 2,000 pairs have no label ('pair-0', 'pair-1', 'pair-2', ...): " in "\n".join(doubts_of(pairs))

    def test_one_label_throughout_is_said(self):
        (said,) = doubts_of([pair.model_copy(update={"label": "B"}) for pair in planted()])
        assert said.startswith("all 4 labelled pairs have the label B: ")

    def test_a_conversation_is_looked_at_turn_by_turn(self):
        talk = [{"role": role, "content": text} for role, text in (("user", "One?"), ("assistant", "1"))]
        empty = [*talk, {"role": "user", "content": "Two?"}, {"role": "assistant", "content": ""}]
        whole = [*empty[:-1], {"role": "assistant", "content": "2"}]
        pair = Pair(id="talk", conversation_a=whole, conversation_b=empty, label="A")
        assert [said.partition(" (")[0] for said in doubts_of([pair])] == ["1 of 1 pairs holds an empty answer"]

    def test_they_are_warned_of_before_the_first_request(self, server, tmp_path):
        rows = [pair.model_dump(exclude_none=True) for pair in planted(answer_b="")]
        (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
        asked = []
        with warnings.catch_warnings(action="always"):
            warnings.showwarning = lambda message, *_, **__: asked.append((str(message), len(server.requests)))
            for pairs in (planted(answer_b=""), load_pairs(str(tmp_path / "mine.jsonl"))):
                evaluate(pairs, ["vanilla"], [server.model("mute-judge")])
        asked = [(said, sent) for said, sent in asked if "pairs" in said]
        assert [said.partition(" (")[0] for said, _ in asked] == ["1 of 4 pairs holds an empty answer"] * 2
        assert asked[0][1] == 0

    def test_one_pair_alone_needs_no_label(self, server):
        with warnings.catch_warnings(action="error"):
            judge(planted(label=None)[-1], "vanilla", server.model("judge"))


@pytest.mark.parametrize(("other", "said"), [({}, "one pair twice"), ({"answer_a": "x"}, "with different texts")])
def test_one_id_for_two_pairs_is_refused(server, other, said):
    pairs = planted()
    with pytest.raises(BadInput, match=f"two pairs are called 'pair-0' of 'planted', {said}"):
        evaluate([*pairs, pairs[0].model_copy(update=other)], ["vanilla"], [server.model("judge")])
    assert not server.requests


@pytest.mark.parametrize("names", [["pocket", "pocket"], ["a/mine.jsonl", "b/mine.jsonl"], ["mine.csv", "./mine.csv"]])
def test_two_benchmarks_whose_results_would_mix_are_refused(names):
    with pytest.raises(BadInput, match="benchmarks: two are called '.*', and their results would mix"):
        check({"benchmarks": names}, "mine.yaml")


class TestLists:
    """A text where names are wanted, whose letters would be taken for names."""

    @pytest.mark.parametrize("name", ["methods", "judges", "crowd"])
    def test_evaluate_refuses_it(self, name, server):
        given = {"methods": ["cce@2"], "judges": [server.model("judge")], "crowd": [server.model("crowd-4")]}
        with pytest.raises(BadInput, match=rf"{name} 'embedded': a list is wanted, such as \['embedded'\]"):
            evaluate(planted(), **given | {name: "embedded"})
        assert not server.requests

    def test_so_do_those_that_pick_and_sample(self):
        with pytest.raises(BadInput, match="crowd 'embedded': a list"):
            pick([Pool(id=1, instruction="?", responses=["a", "b", "c"])], judge="embedded", crowd="embedded")
        with pytest.raises(BadInput, match="models 'embedded': a list"):
            sample_responses([Instruction(id=1, instruction="?")], "embedded", 1)


PROMPTS = {
    "vanilla": ["vanilla", "cce@2", "cce-random@2", "maj@2", "agg@2", "count@2", "self-rubric", "criteria", "jury"],
    "cce": ["cce@2", "cce-prompt", "cce-shuffled@2", "cce-again@2", "refine@2"],
    "outcome_removal": ["cce@2", "cce-random+removal@2", "cce-shuffled@2"],
    "agg": ["agg@2"],
    "refine": ["refine@2"],
    "rate": ["rate@2"],
    "liar": ["cce@2~liar5"],
    "rubric": ["rubric", "self-rubric"],
    "rubric_of_question": ["self-rubric"],
    "16-criteria": ["16-criteria"],
    "judgelm": ["judgelm"],
}
CASES = [(prompt, method) for prompt, methods in PROMPTS.items() for method in methods]


class TestPrompts:
    """A prompt of the user's own that cannot be filled."""

    @pytest.mark.parametrize(("prompt", "method"), CASES)
    @pytest.mark.parametrize("text", ["{{ nobody }}", "{% if %}", "{{ questions[0].x.y }}", "{{ 1 / 0 }}"])
    def test_it_is_refused_before_anything_is_asked(self, tmp_path, server, prompt, method, text):
        (tmp_path / f"{prompt}.jinja").write_text(text)
        pairs = [pair.model_copy(update={"criteria": "Be exact."}) for pair in planted()]
        with pytest.raises(BadInput, match=rf"prompt {prompt}\.jinja"):
            evaluate(pairs, [method], [server.model("judge")], [server.model("crowd-4")], prompts=str(tmp_path))
        assert not server.requests

    @pytest.mark.parametrize("name", ["letter", "vanilla.system"])
    def test_so_are_a_letters_and_a_system_message(self, tmp_path, server, name):
        (tmp_path / f"{name}.jinja").write_text("{{ answers }}")
        with pytest.raises(BadInput, match=rf"prompt {name}\.jinja"):
            evaluate(planted(), ["vanilla"], [server.model("judge")], prompts=str(tmp_path), verdict="distribution")
        assert not server.requests

    def test_a_prompt_that_no_method_asks_for_is_left_alone(self, tmp_path, server):
        (tmp_path / "agg.jinja").write_text("{{ answers }}")
        assert evaluate(planted(), ["vanilla"], [server.model("judge")], prompts=str(tmp_path)).correct.all()

    def test_every_method_that_asks_a_model_names_its_prompts(self):
        assert [name for name, method in METHODS.items() if method.asks and not method.prompts] == []


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
BAD_YAML = [
    ("a: 1\nb: [", 2, "not YAML"),
    ("a: 1\nb: 2: 3", 2, "mapping values are not allowed"),
    ("a: 1\n\tb: 2", 2, "not YAML"),
    ("a: 1\nb: !!python/object:os.system x", 2, "could not determine a constructor"),
    ("a: *nowhere", 1, "undefined alias"),
    (LAUGHS, 4, "more than 100,000 values"),
    ("a: &a [*a]", 1, "more than 100,000 values"),
    ("a: &a {b: *a}", 1, "more than 100,000 values"),
    ("a: 2026-13-45", None, "not YAML that can be read"),
    ("a: " + "9" * 5000, None, "not YAML that can be read"),
    ("[" * 100_000, None, "not YAML that can be read"),
    ("a: 1\nb: \x01", 2, "save it as UTF-8"),
    (b"a: 1\nb: \xe9", 2, "save it as UTF-8"),
    ("[a, b]", None, "a mapping from names to values is wanted, not \\['a', 'b'\\]"),
    ("text", None, "a mapping from names to values is wanted, not 'text'"),
    ("0", None, "a mapping from names to values is wanted, not 0"),
]


class TestYaml:
    """YAML that a user has written: files of parameters and of models' settings, and values by hand."""

    @pytest.mark.parametrize(("text", "line", "message"), BAD_YAML, ids=[str(case[0])[:30] for case in BAD_YAML])
    def test_what_is_wrong_is_one_line_that_names_file_and_line(self, tmp_path, text, line, message):
        file = tmp_path / "mine.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        where = f"mine.yaml, line {line}: " if line else "mine.yaml"
        with pytest.raises(BadInput, match=f"{where}.*{message}") as error:
            read_yaml(file)
        assert "\n" not in str(error.value)
        assert len(str(error.value)) < 400

    def test_aliases_and_other_marked_encodings_are_read(self, tmp_path):
        (tmp_path / "mine.yaml").write_bytes("a: &a [1, 2]\nb: *a\n2: {<<: {c: é}}".encode("utf-16"))
        assert read_yaml(tmp_path / "mine.yaml") == {"a": [1, 2], "b": [1, 2], "2": {"c": "é"}}
        (tmp_path / "mine.yaml").write_text("")
        assert read_yaml(tmp_path / "mine.yaml") == {}

    def test_a_profiles_files_are_read_so(self, tmp_path, monkeypatch):
        cell = {"cell_type": "code", "source": "out = 'o'", "metadata": {"tags": ["parameters"]}, "outputs": []}
        cell |= {"execution_count": None, "id": "one"}
        kernel = {"name": "python3", "language": "python", "display_name": "Python"}
        book = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
        for name, text in (("params/mine/01_x.yaml", LAUGHS), ("notebooks/01_x.ipynb", json.dumps(book))):
            (tmp_path / name).parent.mkdir(parents=True)
            (tmp_path / name).write_text(text)
        monkeypatch.chdir(tmp_path)
        with pytest.raises(BadInput, match=r"01_x\.yaml, line 4: "):
            checked("mine", None)

    def test_so_are_models_settings_and_values_by_hand(self, tmp_path, monkeypatch):
        (tmp_path / "models.yaml").write_text(LAUGHS)
        monkeypatch.setenv("CCE_MODELS", str(tmp_path / "models.yaml"))
        with pytest.raises(BadInput, match=r"models .*models\.yaml, line 4: .*more than 100,000 values"):
            settings_of("m")
        with pytest.raises(BadInput, match="-p limit=.*, line 1: not YAML"):
            parse_yaml("[", "-p limit=[")

    def test_it_reads_what_yaml_itself_reads(self):
        text = yaml.safe_dump({"a": [1, 2.5, None, True, "x"], "b": {"c": [[], {}]}})
        assert parse_yaml(text, "x") == yaml.safe_load(text)
