"""Rows of one's own: what people have loads as it is, and what cannot be used is named by row, value and remedy."""

import json
import warnings

import datasets
import numpy as np
import pandas as pd
import pytest

from cce import cli, evaluate, load_pairs
from cce.benchmarks.pair import Instruction, Pair, Pool
from cce.errors import BadInput
from tests.test_bad_input import cce
from tests.test_cli import rows_of

ROW = {"id": 1, "instruction": "Why?", "answer_a": "One, quality=3.", "answer_b": "Two, quality=7.", "label": "B"}
MISSING = [None, float("nan"), np.float64("nan"), np.float32("nan"), pd.NA, pd.NaT]
PLAIN = Pair(**ROW)


def one(**cells) -> Pair:
    """The pair of this row, with other cells in place of its own."""
    (pair,) = load_pairs([ROW | cells])
    return pair


def said(role: str, content: object, **more) -> dict:
    return {"role": role, "content": content} | more


def user(text: object) -> dict:
    return said("user", text)


def answer(text: object) -> dict:
    return said("assistant", text)


@pytest.mark.parametrize("nothing", MISSING, ids=repr)
class TestMissingIsMissing:
    """Whatever means that nothing is there, in whatever form of file."""

    def test_in_an_optional_column_it_is_absent(self, nothing):
        optional = ("label", "votes", "why", "crowd", "criteria", "subset", "order", "benchmark", "conversation_a")
        pair = one(**dict.fromkeys(optional, nothing))
        assert pair == PLAIN.model_copy(update={"label": None})

    @pytest.mark.parametrize("column", ["instruction", "answer_a", "answer_b"])
    def test_in_a_required_one_it_is_an_error_with_row_and_column(self, nothing, column):
        with pytest.raises(BadInput, match=f"pairs, row 2: needs instruction.*: no {column}$"):
            load_pairs([ROW, ROW | {"id": 2, column: nothing}])

    def test_an_id_that_is_missing_is_an_error(self, nothing):
        with pytest.raises(BadInput, match="row 1: id: Field required"):
            one(id=nothing)

    def test_inside_a_list_too(self, nothing):
        pair = one(label=nothing, votes=["A", nothing, "A"], crowd=["An answer.", nothing])
        assert (pair.votes, pair.label, pair.crowd) == (("A", "A"), "A", ("An answer.",))

    def test_in_instructions_and_pools(self, nothing):
        with pytest.raises(ValueError, match="instruction\n  Field required"):
            Instruction(id=1, instruction=nothing)
        # Left out, it would move the places of the others.
        with pytest.raises(ValueError, match=r"responses\.1\n  Input should be a valid string"):
            Pool(id=1, instruction="?", responses=["a", nothing])


@pytest.mark.parametrize("kind", ["jsonl", "json", "csv", "tsv", "parquet", "feather"])
def test_a_missing_answer_is_the_same_error_in_every_file(tmp_path, kind):
    file, frame = tmp_path / f"mine.{kind}", pd.DataFrame([ROW, ROW | {"id": 2, "answer_b": None}])
    rows = frame.to_dict("records")
    writers = {"csv": lambda: frame.to_csv(file, index=False), "tsv": lambda: frame.to_csv(file, index=False, sep="\t")}
    writers |= {"parquet": lambda: frame.to_parquet(file), "feather": lambda: frame.to_feather(file)}
    writers |= {"json": lambda: file.write_text(json.dumps(rows))}
    writers |= {"jsonl": lambda: file.write_text("\n".join(map(json.dumps, rows)))}
    writers[kind]()
    with pytest.raises(BadInput, match=rf"mine\.{kind}, row 2: needs .*: no answer_b$"):
        load_pairs(str(file))


@pytest.mark.parametrize("label", ["A", "a", " A ", "A\n"])
def test_a_label_may_be_in_any_case(label):
    assert one(label=label).label == "A"


@pytest.mark.parametrize("label", ["", "  "])
def test_a_blank_label_is_none(label):
    assert one(label=label).label is None


ODD_LABELS = [
    0,
    1,
    2,
    False,
    True,
    1.5,
    "model_a",
    "A>B",
    "nan",
    "C",
    np.int64(0),
    np.bool_(False),
    [],
    ["A"],
    {"a": 1},
]


@pytest.mark.parametrize("label", ODD_LABELS, ids=repr)
@pytest.mark.parametrize("column", ["label", "votes"])
def test_a_label_that_is_none_is_an_error_and_never_unlabelled(label, column):
    cells = {"label": label} if column == "label" else {"label": None, "votes": [label, "A"]}
    with pytest.raises(BadInput, match=rf"row 1: {column}: Input should be 'A', 'B' or 'tie', not .*--labels"):
        one(**cells)


@pytest.mark.parametrize("name", ["frame", "mine.jsonl", "mine.csv"])
def test_the_error_says_which_labels_there_are_and_how_to_say_what_they_mean(tmp_path, name):
    frame = pd.DataFrame([ROW | {"id": n, "label": label} for n, label in enumerate(["model_a", "model_b", "tie"])])
    frame.to_csv(tmp_path / "mine.csv", index=False)
    frame.to_json(tmp_path / "mine.jsonl", orient="records", lines=True)
    source = frame if name == "frame" else str(tmp_path / name)
    with pytest.raises(
        BadInput, match="its labels are 'model_a', 'model_b', 'tie'; .*--labels model_a=A,model_b=B,tie"
    ):
        load_pairs(source)
    assert [pair.label for pair in load_pairs(source, labels="model_a=A,model_b=B,tie=tie")] == ["A", "B", "tie"]


def test_what_stands_in_a_label_is_shown_and_not_obeyed():
    with pytest.raises(BadInput) as error:
        load_pairs([ROW | {"label": label} for label in ("\x1b[2J$(id)\n", "x" * 5000)])
    assert "--labels '\\x1b[2J$(id)\\n=A," in str(error.value)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    ("written", "labels", "meant"),
    [
        ([0, 1], {0: "A", 1: "B"}, ["A", "B"]),
        ([0.0, 1.0], "0=A,1=B", ["A", "B"]),
        ([True, False], "true=A,false=B", ["A", "B"]),
        (["A>B", "A=B"], "A>B=A,A=B=tie", ["A", "tie"]),
        (["Model_A", "B"], {"model_a": "A"}, ["A", "B"]),
        (["A", "B"], {"A": "B", "B": "A"}, ["B", "A"]),
        (["skip", "A"], "skip=", [None, "A"]),
    ],
)
def test_labels_mean_what_the_user_says(written, labels, meant):
    rows = [ROW | {"id": n, "label": label} for n, label in enumerate(written)]
    assert [pair.label for pair in load_pairs(rows, labels=labels)] == meant


@pytest.mark.parametrize("labels", ["model_a", "model_a=C", {"x": 1}, {"x": None}])
def test_a_meaning_that_is_no_label_is_refused(labels):
    with pytest.raises(BadInput, match="a label is A, B or tie"):
        load_pairs([ROW], labels=labels)


def test_the_labels_of_a_published_benchmark_are_its_own():
    with pytest.raises(BadInput, match="the labels of pocket are known"):
        load_pairs("pocket", labels="a=A")


def test_the_command_takes_what_labels_mean(tmp_path, monkeypatch, capsys, server):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.jsonl").write_text(json.dumps(ROW | {"label": "model_b"}))
    command = ["judge", "mine.jsonl", "--out", "out.jsonl", "--judge", server.model("judge")]
    status, error = cce(capsys, monkeypatch, *command)
    assert (status, "--labels model_b=A" in error, server.requests) == (1, True, [])
    assert cce(capsys, monkeypatch, *command, "--labels", "model_b=B")[0] == 0
    assert [row["correct"] for row in rows_of(tmp_path)] == [True]


@pytest.mark.parametrize(
    ("column", "meant"), [("lable", "label"), ("Label", "label"), ("vote", "votes"), ("Crowd ", "crowd")]
)
@pytest.mark.parametrize("name", ["frame", "mine.jsonl"])
def test_a_column_that_looks_misspelt_is_named(tmp_path, name, column, meant):
    row = {name: value for name, value in ROW.items() if name != "label"} | {column: "A", "source": "elsewhere"}
    (tmp_path / "mine.jsonl").write_text(json.dumps(row))
    with pytest.warns(UserWarning, match=f"the column '{column}' is no field of a pair.*; is {meant} meant") as warned:
        load_pairs([row] if name == "frame" else str(tmp_path / name))
    assert len(warned) == 1


def test_so_is_one_where_a_required_one_is_missing():
    row = {("answr_b" if name == "answer_b" else name): value for name, value in ROW.items()}
    with pytest.raises(BadInput, match=r"no answer_b; is its column 'answr_b' meant for answer_b\?"):
        load_pairs([row])


def test_a_column_beside_the_one_that_it_looks_like_is_left_alone():
    with warnings.catch_warnings(action="error"):
        assert one(labels="x", id_="y", answer_c="z") == PLAIN


SOURCES = {
    "a frame": lambda: pd.DataFrame([ROW]),
    "a frame with its ids as the index": lambda: pd.DataFrame([ROW]).set_index("id"),
    "a frame of arrow's types": lambda: pd.DataFrame([ROW]).convert_dtypes(dtype_backend="pyarrow"),
    "a frame with categories": lambda: pd.DataFrame([ROW]).astype({"label": "category"}),
    "a frame that lacks an id elsewhere": lambda: pd.DataFrame([ROW | {"id": 1.0}]),
    "a generator": lambda: (row for row in [ROW]),
    "a generator of pairs": lambda: (pair for pair in [PLAIN]),
    "a list": lambda: [ROW],
    "a tuple of pairs": lambda: (PLAIN,),
    "a data set": lambda: datasets.Dataset.from_list([ROW]),
}


@pytest.mark.parametrize("source", SOURCES)
def test_pairs_come_from_whatever_holds_rows(source, server):
    assert load_pairs(SOURCES[source]()) == [PLAIN]
    frame = evaluate(SOURCES[source](), ["vanilla"], [server.model("judge")])
    assert frame[["id", "correct"]].values.tolist() == [["1", True]]


def test_limit_shard_and_seed_are_for_those_too():
    frame = pd.DataFrame([ROW | {"id": n, "instruction": f"{n}?"} for n in range(9)])
    assert len(load_pairs(frame, limit=4)) == 4
    assert [pair.id for pair in load_pairs(frame, shard="2/3")] == ["1", "4", "7"]
    with pytest.raises(BadInput, match="the id '1' stands twice"):
        load_pairs([ROW, ROW | {"id": 1.0}])


@pytest.mark.parametrize("source", [5, None, b"x", {"id": [1]}, PLAIN, [], ["x"], [5], pd.Series([1])], ids=repr)
def test_what_holds_no_rows_is_refused(source):
    for taker in (load_pairs, lambda source: evaluate(source, ["longer"])):
        with pytest.raises(BadInput):
            taker(source)


def test_evaluate_asks_for_a_file_to_be_loaded():
    with pytest.raises(BadInput, match=r"pairs 'mine.jsonl': load them first, by load_pairs\('mine.jsonl'\)"):
        evaluate("mine.jsonl", ["longer"])


HEAD = ["id", "instruction", "answer_a", "answer_b", "label"]
CELLS = ["1", "Why?", "One, quality=3.", "Two, quality=7.", "B"]
QUOTED = '1,Why?,"One, quality=3.","Two, quality=7.",'
FILES = {
    "mine.tsv": "\t".join(HEAD) + "\n" + "\t".join(CELLS),
    "tabs.csv": "\t".join(HEAD) + "\n" + "\t".join(CELLS),
    "semicolons.csv": ";".join(HEAD) + "\n" + ";".join(CELLS),
    "excel.csv": "\ufeff" + " , ".join(HEAD) + f"\r\n{QUOTED}B\r\n\r\n",
    "lists.csv": ",".join([*HEAD[:4], "votes"]) + f'\n{QUOTED}"[""B"", ""B""]"\n',
    "empty.csv": ",".join([*HEAD, "votes", "order", "crowd", "subset", "conversation_a"]) + f"\n{QUOTED}B,,,,,\n",
}


@pytest.mark.parametrize("name", FILES)
def test_a_table_of_text_is_read_by_its_own_separator(tmp_path, name):
    (tmp_path / name).write_bytes(FILES[name].encode())
    (pair,) = load_pairs(str(tmp_path / name))
    assert pair.model_copy(update={"benchmark": "", "votes": ()}) == PLAIN


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "bars.csv",
            "id|instruction|answer_a\n1|?|x\n",
            r"one column, 'id\|instruction\|answer_a'; commas, semicolons",
        ),
        ("more.csv", "id,instruction,answer_a,answer_b\n1,Why, then?,x,y\n", "row 1: 5 cells in 4 columns; .*quotes"),
        ("open.csv", 'id,instruction\n1,"?\n2,?\n', "line 3: unexpected end of data; quotes"),
        ("twice.csv", "id,id,instruction\n1,2,?\n", "the column 'id' stands twice"),
        ("utf16.csv", FILES["semicolons.csv"].encode("utf-16"), "UTF-16; save it as UTF-8, such as by iconv"),
        ("unmarked.csv", FILES["semicolons.csv"].encode("utf-16-le"), "UTF-16; save it as UTF-8"),
        ("utf16.jsonl", json.dumps(ROW).encode("utf-16"), "UTF-16; save it as UTF-8"),
        ("latin.csv", "id,instruction\n1,?\n2,\xe9\n".encode("latin-1"), r"line 3: not UTF-8 text \(byte 0xe9\); save"),
        ("latin.jsonl", '{"id": 1}\n{"id": "\xe9"}'.encode("latin-1"), "line 2: not UTF-8 text"),
        ("bad.arrow", b"no table", "not gzipped or parquet as its name says, or not to be read"),
        ("bad.feather", b"ARROW1no", "not gzipped or parquet as its name says, or not to be read"),
    ],
)
def test_a_file_in_another_form_than_it_seems_is_one_line_of_error(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadInput, match=rf"{name}.*{message}") as error:
        load_pairs(str(tmp_path / name))
    assert "\n" not in str(error.value)


class TestArrow:
    """Arrow's own files, and folders of `save_to_disk`."""

    ROWS = datasets.Dataset.from_list([ROW | {"votes": ["B", "B"], "crowd": None}, ROW | {"id": 2, "votes": None}])

    def test_a_folder_of_save_to_disk_and_a_file_from_it_are_pairs(self, tmp_path):
        self.ROWS.save_to_disk(tmp_path / "judgebench")
        (file,) = (tmp_path / "judgebench").glob("*.arrow")
        for source in (tmp_path / "judgebench", file):
            pairs = load_pairs(str(source))
            assert [(pair.id, pair.label, pair.votes) for pair in pairs] == [("1", "B", ("B", "B")), ("2", "B", ())]
        # The paper's number never stands beside a folder that only has a benchmark's name.
        assert load_pairs(tmp_path / "judgebench")[0].benchmark == "judgebench/"

    def test_splits_are_named_and_one_is_to_be_chosen(self, tmp_path):
        datasets.DatasetDict({"test": self.ROWS, "train": self.ROWS}).save_to_disk(tmp_path / "mine")
        with pytest.raises(BadInput, match=r"holds the splits test, train; name one, such as .*mine/test"):
            load_pairs(str(tmp_path / "mine"))
        assert len(load_pairs(str(tmp_path / "mine" / "train"))) == 2

    @pytest.mark.parametrize("name", ["mine", "mine.jsonl"])
    def test_another_folder_is_refused(self, tmp_path, name):
        (tmp_path / name).mkdir()
        with pytest.raises(BadInput, match="a folder, but none of datasets.save_to_disk; name a file"):
            load_pairs(str(tmp_path / name))

    def test_whole_numbers_stay_whole_where_one_is_missing(self, tmp_path):
        pd.DataFrame([ROW, ROW | {"id": 2, "subset": 7}]).convert_dtypes().to_parquet(tmp_path / "mine.parquet")
        assert [pair.subset for pair in load_pairs(str(tmp_path / "mine.parquet"))] == ["", "7"]


CHOSEN = {
    "texts": {"prompt": "Why?", "chosen": "good", "rejected": "bad"},
    "texts under the name of the kit": {"instruction": "Why?", "chosen": "good", "rejected": "bad"},
    "whole conversations": {"chosen": [user("Why?"), answer("good")], "rejected": [user("Why?"), answer("bad")]},
    "a prompt, and conversations that repeat it": {
        "prompt": "Why?",
        "chosen": [user("Why?"), answer("good")],
        "rejected": [user("Why?"), answer("bad")],
        "messages": [user("Why?"), answer("good")],
    },
    "messages of prompt and answers": {
        "prompt": [user("Why?")],
        "chosen": [answer("good")],
        "rejected": [answer("bad")],
    },
    "parts": {"messages": [user([{"type": "text", "text": "Why?"}])], "chosen": [answer("good")], "rejected": "bad"},
    "arrays": {
        "chosen": np.array([user("Why?"), answer("good")], dtype=object),
        "rejected": np.array([user("Why?"), answer("bad")], dtype=object),
    },
    "JSON in a table of text": {
        "chosen": json.dumps([user("Why?"), answer("good")]),
        "rejected": json.dumps([user("Why?"), answer("bad")]),
    },
}


@pytest.mark.parametrize("form", CHOSEN)
def test_chosen_and_rejected_get_sides_by_the_seed_and_stay_labelled(form):
    rows = [CHOSEN[form]] * 40
    first, again, other = (load_pairs(rows, seed=seed) for seed in (0, 0, 1))
    assert first == again != other
    assert 10 < sum(pair.label == "A" for pair in first) < 30
    assert {pair.instruction for pair in first} == {"Why?"}
    assert all((pair.answer_a if pair.label == "A" else pair.answer_b) == "good" for pair in first + other)
    assert [pair.id for pair in first] == [str(n) for n in range(1, 41)]


def test_a_row_keeps_its_side_in_a_file_that_stays_on_the_disk(tmp_path):
    rows = [CHOSEN["texts"] | {"id": n} for n in range(20)]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    file = load_pairs(str(tmp_path / "mine.jsonl"), seed=5)
    assert [pair.label for pair in file] == [pair.label for pair in load_pairs(rows, seed=5)]
    assert len({pair.label for pair in file}) == 2


def test_of_two_answers_that_are_the_same_none_is_chosen():
    (pair,) = load_pairs([{"prompt": "Why?", "chosen": "alike", "rejected": "alike"}])
    assert pair.label is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"prompt": "?", "chosen": "x", "rejected": None}, "row 1: rejected is missing"),
        (
            {"prompt": "?", "chosen": "x", "rejectd": "y"},
            "rejected is missing; is its column 'rejectd' meant for rejected",
        ),
        ({"chosen": "x", "rejected": "y"}, "row 1: needs instruction.*: no instruction"),
        ({"chosen": [answer("x")], "rejected": [answer("y")]}, "row 1: instruction is missing"),
        ({"chosen": [user("?")], "rejected": [user("?")]}, "row 1: a conversation goes .* ends with an answer"),
        ({"chosen": [user("?"), answer("x")], "rejected": [user("!"), answer("y")]}, "must hold the same user turns"),
    ],
)
def test_a_preference_that_makes_no_pair_is_named(row, message):
    with pytest.raises(BadInput, match=message):
        load_pairs([row])


CALL = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Kiel"}'}}


class TestMessages:
    """Lists of messages of every kind."""

    def test_a_system_turn_stands_before_the_users_text(self):
        talk = [said("system", "Be short."), user("Why?")]
        (pair,) = load_pairs([ROW | {"instruction": None, "messages": talk}])
        assert pair.instruction == "[System message]\nBe short.\n\n[User]\nWhy?"
        assert (pair.answer_a, pair.label) == (ROW["answer_a"], "B")

    def test_several_turns_become_conversations(self):
        talk = [said("developer", "Be kind."), user("One?"), answer("1"), user("Two?")]
        (pair,) = load_pairs([ROW | {"instruction": None, "messages": talk}])
        assert pair.questions == ("[System message]\nBe kind.\n\n[User]\nOne?", "Two?")
        assert pair.answers_b == ("1", ROW["answer_b"])

    def test_tools_are_shown_as_text(self):
        talk = [user("Sun?"), said("assistant", None, tool_calls=[CALL]), said("tool", "yes"), answer("It shines.")]
        pair = Pair(id=1, conversation_a=talk, conversation_b=[user("Sun?"), answer("No.")])
        shown = '[Tool call]\nweather: {"city": "Kiel"}\n\n[Tool result]\nyes\n\n[Answer]\nIt shines.'
        assert (pair.answers_a, pair.answers_b) == ((shown,), ("No.",))

    def test_parts_of_text_are_one_text_however_they_are_nested(self):
        parts = [
            {"type": "text", "text": "one"},
            {"type": "tool_use", "name": "add", "input": {"a": 1}},
            {"type": "tool_result", "content": [{"type": "text", "text": {"value": "two"}}]},
        ]
        text = 'one\n[Tool call]\nadd: {"a": 1}\n[Tool result]\ntwo'
        pair = one(instruction=parts, answer_a=[{"type": "text", "text": "x"}])
        assert (pair.instruction, pair.answer_a) == (text, "x")
        assert Pair(id=1, conversation_a=[user(parts), answer("x")], conversation_b=[user(text), answer("y")])

    @pytest.mark.parametrize(
        ("message", "wanted"),
        [
            (said("human", "?"), "a message of the role 'human': one of user, assistant, system"),
            (said(["user"], "?"), "a message of the role"),
            (said("user", None), "of the role 'user' has no text: its content is None"),
            (said("user", 5), "has no text: its content is 5"),
            (
                user([{"type": "image_url", "image_url": "x"}]),
                "a part of the type 'image_url': only texts can be judged",
            ),
            (said("assistant", None, tool_calls=["x"]), "a call of a tool is an object, not 'x'"),
            (said("assistant", None, tool_calls=5), "a call of a tool is an object, not 5"),
        ],
    )
    def test_what_is_no_text_is_named(self, message, wanted):
        talk = [message, answer("x")]
        with pytest.raises(BadInput, match=rf"pairs, row 1: conversation_a: .*{wanted}"):
            load_pairs([{"id": 1, "conversation_a": talk, "conversation_b": talk}])
        with pytest.raises(BadInput, match=rf"pairs, row 1: .*{wanted}"):
            load_pairs([{"id": 1, "chosen": talk, "rejected": [user("?"), answer("y")]}])


def test_a_benchmark_without_labels_is_refused_where_accuracy_is_wanted(tmp_path):
    unlabelled = [ROW | {"label": None}, ROW | {"id": 2, "label": "tie"}]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, unlabelled)))
    for source in (unlabelled, str(tmp_path / "mine.jsonl")):
        assert len(load_pairs(source)) == 2
        with pytest.raises(BadInput, match="no pair has the label A or B"):
            load_pairs(source, labelled=True)
    assert load_pairs([ROW], labelled=True)


def test_judging_prints_each_subset_beside_the_whole(tmp_path, monkeypatch, capsys, server):
    monkeypatch.chdir(tmp_path)
    rows = [ROW | {"id": n, "label": "AB"[n % 2], "subset": "easy" if n % 2 else "hard"} for n in range(4)]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.setattr("sys.argv", ["cce", "judge", "mine.jsonl", "--out", "o", "--judge", server.model("judge")])
    with pytest.raises(SystemExit, match="0"):
        cli.main()
    shown = {line.split(" judge ")[0].strip(): line for line in capsys.readouterr().out.splitlines()}
    assert "50.0 [" in shown["mine.jsonl"]
    assert " 0.0 [" in shown["mine.jsonl: hard"]
    assert "100.0 [" in shown["mine.jsonl: easy"]
