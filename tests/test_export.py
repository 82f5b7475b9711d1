"""A run as a data set: what is written is loaded by `datasets`, scored by the kit, and says what it is."""

import nbformat
import pandas as pd
import pytest
from datasets import load_dataset

from cce import Records, evaluate, load_judgments
from cce.analysis.export import export
from cce.errors import BadInput, NotRecorded


@pytest.fixture
def run(server, pairs, tmp_path):
    """A run's folder as a notebook leaves it, and the frame of its judgments."""
    folder = tmp_path / "runs" / "mine"
    folder.mkdir(parents=True)
    crowd, store = [server.model("crowd-4"), server.model("crowd-9")], str(folder / "s.sqlite")
    with Records(folder / "01_judge_accuracy.jsonl") as out:
        asked = {"order": "both", "store": store, "out": out}
        frame = evaluate(pairs, ["vanilla", "cce@4"], [server.model("judge")], crowd, **asked)
    pd.DataFrame({"method": ["vanilla"]}).to_csv(folder / "01_judge_accuracy.csv", index=False)
    notebook = nbformat.v4.new_notebook(metadata={"papermill": {"parameters": {"store": store, "prompts": "kit"}}})
    nbformat.write(notebook, folder / "01_judge_accuracy.ipynb")
    return folder, frame


def test_what_is_exported_is_loaded_again(run, tmp_path):
    folder, frame = run
    files = export(folder, tmp_path / "out")
    assert [file.name for file in files] == [
        "judgments.parquet",
        "crowd_answers.parquet",
        "crowd_judgments.parquet",
        "README.md",
    ]
    # In the order of the file, which is pair by pair.
    both = [
        table.sort_values(["method", "id"], ignore_index=True) for table in (load_judgments(tmp_path / "out"), frame)
    ]
    pd.testing.assert_frame_equal(*both, check_dtype=False)
    loaded = load_dataset(str(tmp_path / "out"), split="train")
    assert len(loaded) == len(frame) and set(loaded["verdict"]) == {"A", "B"}
    answers = load_dataset(str(tmp_path / "out"), "crowd_answers", split="train")
    # Two members answered each of six questions, however many comparisons that served.
    assert len(answers) == 12
    judged = load_dataset(str(tmp_path / "out"), "crowd_judgments", split="train").to_pandas()
    assert len(judged) == 6 * 4 and judged.rationale.str.contains("quality=").all()
    assert set(judged.outcome) == {"won", "lost"}


def test_the_card_says_what_it_is_and_who_answered(run, tmp_path):
    card = export(run[0], tmp_path / "out")[-1].read_text()
    assert all(word in card for word in ("crowd-4", "crowd-9", "What may be done with it", "prompts: kit", "planted"))
    # No question and no answer of the benchmark.
    cells = {
        str(cell) for file in (tmp_path / "out").glob("*.parquet") for cell in pd.read_parquet(file).to_numpy().flat
    }
    assert not [cell for cell in cells if cell.startswith(("Answer one to", "Answer two to", "Question"))]


def test_a_folder_that_holds_something_is_left_as_it_is(run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(BadInput, match="something is there already; name a new folder"):
        export(run[0], tmp_path / "out")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_without_its_store_nothing_is_written(run, tmp_path):
    for file in run[0].glob("s.sqlite*"):
        file.rename(tmp_path / file.name)
    with pytest.raises(NotRecorded, match="the run's store is not at hand: .*s.sqlite; one that lies elsewhere"):
        export(run[0], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert export(run[0], tmp_path / "out", tmp_path / "s.sqlite")
