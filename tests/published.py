"""Small files of published data sets, in their published form, with planted qualities."""

import json
from pathlib import Path

from cce.benchmarks import REFERENCED
from cce.benchmarks.published import SECTIONS
from cce.chat.grading import TEMPERATURES
from tests.test_benchmarks import write

PAIRS = 8  # of each benchmark; as many questions, instructions and references
LLMBAR = ["natural", "adv_neighbor", "adv_gptinst", "adv_gptout", "adv_manual"]


def write_benchmarks(folder: Path) -> None:
    """Write all of them below the folder, eight pairs of each."""
    files = {
        "reward-bench/filtered.jsonl": map(_rewardbench, range(PAIRS)),
        "HelpSteer2/validation.jsonl": (row for n in range(PAIRS) for row in _helpsteer2(n)),
        "mt_bench_human_judgments/human_judgments.jsonl": map(_mtbench, range(PAIRS)),
        "JudgeBench/gpt.jsonl": map(_judgebench, range(PAIRS)),
        "offsetbias/train.jsonl": map(_offsetbias, range(PAIRS)),
        # Enough for a teacher that is supposed to judge by lot.
        "llama-3.1-tulu-3-8b-preference-mixture/train.jsonl": map(_tulu3, range(5 * PAIRS)),
        **{f"llmbar/{name}.json": [list(map(_llmbar, range(n, PAIRS, 5)))] for n, name in enumerate(LLMBAR)},
    }
    for name, rows in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("\n".join(map(json.dumps, rows)))


def write_chat(folder: Path) -> None:
    """Write MT-Bench, AlpacaEval 2 with its gamed baselines, LIMA and TULU-3's SFT mixture below the folder."""
    questions = [_question(n, category) for n, category in enumerate(TEMPERATURES)]
    write(folder, "mt_bench/question.jsonl", questions)
    known = [_known(question) for question in questions if question["category"] in REFERENCED]
    write(folder, "mt_bench/reference_answer/gpt-4.jsonl", known)
    write(folder, "alpaca_eval/alpaca_eval_gpt4_baseline.json", [_reference(n) for n in range(PAIRS)])
    write(folder, "alpaca_eval/df_gamed.csv", [_gamed(n, wordy) for wordy in (False, True) for n in range(PAIRS)])
    write(folder, "lima/train.jsonl", [_lima(n) for n in range(PAIRS)])
    write(folder, "tulu-3-sft-mixture/train.jsonl", [_tulu3_sft(n) for n in range(PAIRS)])


def _answer(n: int, quality: int) -> str:
    return f"Answer to {n}, quality={quality}." + " And so on." * (n % 3)


def _rewardbench(n: int) -> dict:
    subset = [next(iter(subsets)) for subsets in SECTIONS.values()][n % 4]
    return {"prompt": f"Reward {n}?", "chosen": _answer(n, 7), "rejected": _answer(n, 3), "subset": subset, "id": n}


def _helpsteer2(n: int) -> list[dict]:
    rated = {"helpfulness": 3, "coherence": 3, "complexity": 2, "verbosity": 2}
    return [
        {"prompt": f"Steer {n}?", "response": _answer(n, quality), "correctness": quality // 2, **rated}
        for quality in ((3, 7) if n % 2 else (7, 3))
    ]


def _mtbench(n: int) -> dict:
    talks = {
        f"conversation_{side}": [
            {"role": role, "content": f"Talk {n // 4}, turn {turn}?" if role == "user" else _answer(n, quality)}
            for turn in (1, 2)
            for role in ("user", "assistant")
        ]
        for side, quality in (("a", 7), ("b", 3))
    }
    place = {"question_id": 81 + n // 4, "model_a": "m", "model_b": f"n{n}", "judge": "expert_1", "turn": 1 + n % 2}
    return place | talks | {"winner": "model_a"}


def _judgebench(n: int) -> dict:
    answers = {"response_A": _answer(n, 3), "response_B": _answer(n, 7)}
    return {"pair_id": str(n), "source": "livebench-math", "question": f"Hard {n}?", "label": "B>A", **answers}


def _offsetbias(n: int) -> dict:
    return {"instruction": f"Bias {n}?", "output_1": _answer(n, 7), "output_2": _answer(n, 3), "label": 1}


def _tulu3(n: int) -> dict:
    question, (good, bad) = f"Tulu {n}?", (_answer(n, 7), _answer(n, 3))
    talks = {
        name: [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        for name, answer in (("chosen", good), ("rejected", bad))
    }
    return {"id": str(n), "source": "made up", "prompt": question, **talks}


def _llmbar(n: int) -> dict:
    return {"input": f"Bar {n}?", "output_1": _answer(n, 7), "output_2": _answer(n, 3), "label": 1}


def _question(n: int, category: str) -> dict:
    return {"question_id": 81 + n, "category": category, "turns": [f"Talk {n}?", "And what else?"]}


def _known(question: dict) -> dict:
    place = {"question_id": question["question_id"], "answer_id": "a", "model_id": "gpt-4", "tstamp": 0.5}
    return place | {"choices": [{"index": 0, "turns": ["That is known.", "Nothing else."]}]}


def _reference(n: int) -> dict:
    place = {"dataset": "koala", "generator": "gpt4_1106_preview"}
    return place | {"instruction": f"Alpaca {n}?", "output": _answer(n, 5)}


def _gamed(n: int, wordy: bool) -> dict:
    model = f"gpt4_1106_preview_{'verbose' if wordy else 'concise'}"
    row = {"model": model, "index": n, "preference": 0.5 + 0.2 * wordy - 0.01 * n, "std_delta_len": 1.5 - 3 * wordy}
    return row | {"instruction_difficulty": n / 4 - 1, "not_gamed_baseline": False}


def _lima(n: int) -> dict:
    return {"conversations": [f"Lima {n}?", _answer(n, 5)], "source": "stackexchange"}


def _tulu3_sft(n: int) -> dict:
    turns = [{"role": "user", "content": f"Tulu {n}?"}, {"role": "assistant", "content": _answer(n, 5)}]
    return {"id": str(n), "messages": turns, "source": "made up"}
