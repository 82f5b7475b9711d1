"""Training, on a tiny model: what it leaves, that it survives being killed, and what serves what was trained.

A training spends most of its time on loading torch, with one core: tests that only look at a student share it, and
trainings run side by side.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import exp
from pathlib import Path

import pandas as pd
import pytest

from cce.errors import BadInput, TrainingFailed
from cce.models.client import LLM
from cce.models.engines import engine_of, student_name
from cce.models.ledger import Ledger
from cce.models.training import Card, Recipe, train
from cce.options import Options
from tests.tiny import tiny_base

CARD = Card("A tiny student", "It learns two letters.", "Made up for a test.", "Apache-2.0")
STEPS = 6


def example(place: int) -> dict:
    chat = {
        "prompt": ("user", f"Which is better, {place} or {place + 1}?"),
        "completion": ("assistant", "Plainly [[B]]"),
    }
    return {name: [{"role": role, "content": content}] for name, (role, content) in chat.items()}


EXAMPLES = [example(place) for place in range(16)]


def recipe(base: str = "", **changed) -> Recipe:
    settings = {"rank": None, "learning_rate": 1e-2, "steps": STEPS, "batch": 2, "save_every": 2}
    return Recipe(base or tiny_base(), **settings | changed)


# By kind of student, the rank of its adapter; None trains all weights.
RANKS = {"full": None, "lora": 4}


def side_by_side(student_of: Callable[[str, Recipe], Path]) -> dict[str, Path]:
    """What is made of each kind of student."""
    recipes = [recipe(rank=rank) for rank in RANKS.values()]
    with ThreadPoolExecutor() as pool:
        return dict(zip(RANKS, pool.map(student_of, RANKS, recipes), strict=True))


@pytest.fixture(scope="module")
def students(tmp_path_factory) -> dict[str, Path]:
    """A student of each kind, trained without a break."""
    folder = tmp_path_factory.mktemp("students")
    return side_by_side(lambda kind, its: train(EXAMPLES, its, CARD, folder / kind))


@pytest.fixture(scope="module")
def killed(students, tmp_path_factory) -> dict[str, Path]:
    """The same students, whose training was killed and taken up again."""
    folder = tmp_path_factory.mktemp("killed")

    def taken_up(kind: str, its: Recipe) -> Path:
        _start_and_kill(its, folder / kind, students[kind].name)
        assert not (folder / kind / students[kind].name / "finished.json").exists()
        return train(EXAMPLES, its, CARD, folder / kind)

    return side_by_side(taken_up)


@pytest.fixture
def student(students) -> Path:
    """The one all of whose weights were trained."""
    return students["full"]


@pytest.mark.slow
def test_the_loss_falls_and_every_step_is_on_file(student):
    losses = pd.read_csv(student / "loss.csv")
    assert losses.step.tolist() == list(range(1, STEPS + 1))
    assert losses.loss.iloc[-1] < losses.loss.iloc[0] - 1


@pytest.mark.slow
def test_the_card_says_what_it_is_from_what_and_not_for_what(student):
    card = (student / "README.md").read_text()
    for part in (
        CARD.title,
        CARD.licence,
        CARD.not_for,
        "16 examples",
        "| learning_rate | 0.01 |",
        "all weights",
        "trl",
    ):
        assert part in card


@pytest.mark.slow
def test_a_finished_training_is_not_repeated(student):
    before = (student / "finished.json").stat().st_mtime_ns
    assert train(EXAMPLES, recipe(), CARD, student.parent) == student
    assert (student / "finished.json").stat().st_mtime_ns == before


@pytest.mark.slow
@pytest.mark.parametrize("kind", RANKS)
def test_a_killed_training_ends_with_the_weights_of_an_unbroken_one(kind, students, killed):
    unbroken, resumed = students[kind], killed[kind]
    assert re.search("goes on from .*checkpoint-[24]", (resumed / "training.log").read_text())
    assert student_name(resumed) == student_name(unbroken)
    assert (resumed / "loss.csv").read_text() == (unbroken / "loss.csv").read_text()
    assert (resumed / "model.safetensors").read_bytes() == (unbroken / "model.safetensors").read_bytes()


START = """
import sys
from tests.test_training import *
rank, base, folder = json.loads(sys.argv[1])
train(EXAMPLES, recipe(base, rank=rank), CARD, Path(folder))
"""


def _start_and_kill(its: Recipe, folder: Path, name: str) -> None:
    # After the first checkpoint, and before the last step.
    command = [sys.executable, "-c", START, json.dumps([its.rank, its.base, str(folder)])]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[1])
    end = time.monotonic() + 300
    while not (folder / name / "checkpoints/checkpoint-2/trainer_state.json").exists() and time.monotonic() < end:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(2)  # the training itself notices and ends


@pytest.mark.slow
def test_another_training_gets_a_folder_of_its_own_and_leaves_out_and_counts_what_is_too_long(student):
    before = {file: file.stat().st_mtime_ns for file in student.iterdir()}
    long = example(99)
    long["prompt"][0]["content"] *= 50
    other = train([*EXAMPLES[8:], long], recipe(steps=1, max_tokens=100), CARD, student.parent)
    assert (other.parent, student_name(other)) == (student.parent, other.name)
    assert {file: file.stat().st_mtime_ns for file in student.iterdir()} == before
    assert "8 examples, 1 more left out as too long" in (other / "README.md").read_text()


@pytest.mark.slow
def test_a_training_that_breaks_is_named_with_the_end_of_its_log(tmp_path):
    with pytest.raises(TrainingFailed, match="no-such-model"):
        train(EXAMPLES, Recipe(base=str(tmp_path / "no-such-model")), CARD, tmp_path / "s")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps 0"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"rank": 0}, "rank 0"),
        ({"batch": 0}, "batch"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(settings, message):
    with pytest.raises(BadInput, match=message):
        Recipe(**settings)


def test_no_examples_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(BadInput, match="no examples"):
        train([], Recipe(), CARD, tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_a_student_goes_by_the_same_name_as_ever(tmp_path):
    # A folder that an earlier version trained is found again, and so are its answers in the store.
    options = Options(dry_run=Ledger())
    assert train(EXAMPLES, Recipe(), CARD, tmp_path / "a", options).name == "student-4c39bc168597"
    more = Recipe("some/base", rank=None, steps=3, save_every=1, end="<end>")
    assert train(EXAMPLES, more, CARD, tmp_path / "a", options).name == "student-6b551c9e6c49"


def test_a_dry_run_leaves_a_student_without_weights(tmp_path):
    folder = train(EXAMPLES, Recipe(steps=3), CARD, tmp_path / "a", Options(dry_run=Ledger()))
    assert student_name(folder) == folder.name
    assert engine_of(folder).name == "llama.cpp"
    assert pd.read_csv(folder / "loss.csv").step.tolist() == [1, 2, 3]
    assert not [file for file in folder.iterdir() if file.suffix == ".safetensors" or file.stat().st_size > 10_000]


def test_a_dry_run_counts_two_students_whose_supposed_examples_are_alike(tmp_path):
    options, methods = Options(dry_run=Ledger()), ["vanilla", "cce@2", "cce@4"]
    students = [train(EXAMPLES, Recipe(), CARD, tmp_path / "s" / method, options) for method in methods]
    assert len(set(map(student_name, students))) == 3
    again = [train(EXAMPLES, Recipe(), CARD, tmp_path / "s" / method, options) for method in methods]
    assert again == students


def first_token(folder: str, prompt: str) -> dict[int, float]:
    """The probability of every token after the prompt, by transformers."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    chat = [{"role": "user", "content": prompt}]
    ids = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    with torch.no_grad():
        chances = model.float()(**ids).logits[0, -1].softmax(0)
    return {tokenizer.decode(token): float(chances[token]) for token in chances.topk(5).indices}


@pytest.mark.slow
def test_llama_cpp_serves_the_weights_that_were_trained(student):
    engine = engine_of(student)
    assert (engine.name, "could be written for llama.cpp" in engine.why) == ("llama.cpp", True)
    prompt = EXAMPLES[0]["prompt"][0]["content"]
    answer = LLM(str(student)).complete(prompt, max_tokens=1, top_logprobs=20)
    for token, chance in first_token(str(student), prompt).items():
        assert exp(answer.first_token[token]) == pytest.approx(chance, rel=0.05)


@pytest.mark.slow
def test_llama_cpp_puts_an_adapter_on_its_base(students, tmp_path, monkeypatch):
    # By way of the base's own GGUF file, as with the embedded model, and against the merged weights.
    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoModelForCausalLM

    from cce.models.engines import KEY, llama_cpp
    from cce.models.gguf_files import write_adapter, write_model

    base = AutoModelForCausalLM.from_pretrained(tiny_base())
    write_model(base.state_dict(), base.config, tmp_path / "base.gguf")
    adapter = load_file(students["lora"] / f"checkpoints/checkpoint-{STEPS}/adapter_model.safetensors")
    write_adapter(adapter, AutoConfig.from_pretrained(tiny_base()), 8, tmp_path / "adapter.gguf")
    prompt = EXAMPLES[0]["prompt"][0]["content"]
    monkeypatch.setenv("CCE_API_KEY_127_0_0_1", KEY)
    served = LLM(f"adapted@{llama_cpp(tmp_path / 'base.gguf', tmp_path / 'adapter.gguf')}")
    answer = served.complete(prompt, max_tokens=1, top_logprobs=20)
    for token, chance in first_token(str(students["lora"]), prompt).items():
        assert exp(answer.first_token[token]) == pytest.approx(chance, rel=0.05)


@pytest.mark.slow
def test_what_llama_cpp_cannot_load_is_served_by_transformers_and_says_why(tmp_path):
    folder = tiny_stranger(tmp_path / "stranger")
    engine = engine_of(folder)
    assert (engine.name, "vLLM is not installed" in engine.why) == ("transformers", True)
    assert LLM(str(folder)).complete("Say something.", max_tokens=3).completion_tokens == 3


def tiny_stranger(folder: Path) -> Path:
    """A model of another architecture, as a finished training."""
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(tiny_base())
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1}
    Qwen2ForCausalLM(Qwen2Config(vocab_size=len(tokenizer), **sizes, **heads)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "finished.json").write_text(json.dumps({"name": "student-stranger"}))
    return folder


@pytest.mark.slow
def test_cce_serve_offers_a_student_to_any_program_until_it_is_stopped(student, monkeypatch):
    command = [sys.executable, "-m", "cce", "serve", str(student), "--port", "0"]
    # Where the tests run in the background, the shell has them ignore interrupts, and a child would inherit that.
    heeding = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **heeding) as process:
        why, model = process.stdout.readline(), process.stdout.readline().strip()
        export, _, key = process.stdout.readline().strip().partition("=")
        monkeypatch.setenv(export.removeprefix("export "), key)
        answer = LLM(model).complete("Which one?", max_tokens=4)
        process.send_signal(signal.SIGINT)
    assert why.startswith("llama.cpp: ")
    assert model.startswith(f"{student_name(student)}@http://127.0.0.1:")
    assert answer.text == LLM(str(student)).complete("Which one?", max_tokens=4).text
    assert process.returncode == 0


def test_cce_serve_refuses_a_folder_without_a_student(tmp_path):
    done = subprocess.run([sys.executable, "-m", "cce", "serve", str(tmp_path)], capture_output=True, text=True)
    assert (done.returncode, "no finished training" in done.stderr) == (1, True)


def test_a_training_goes_on_from_its_last_whole_checkpoint_before_the_last_step(tmp_path):
    from cce.models.train_worker import _last_checkpoint

    for step, state in (
        (10, '{"global_step": 10}'),
        (20, '{"global_step": 20}'),
        (25, ""),
        (30, '{"global_step": 30}'),
    ):
        (tmp_path / f"checkpoints/checkpoint-{step}").mkdir(parents=True)
        (tmp_path / f"checkpoints/checkpoint-{step}/trainer_state.json").write_text(state)
    for steps, last in ((40, 30), (30, 20), (20, 10)):
        assert _last_checkpoint(tmp_path, steps).endswith(f"checkpoint-{last}")
    assert _last_checkpoint(tmp_path, 10) is None
