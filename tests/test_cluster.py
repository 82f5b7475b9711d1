"""The settings for many GPUs, against the packages that will read them; and the arithmetic of hours.

`make vllm-check` runs this where vLLM and Ray are installed; elsewhere what needs them is skipped.
"""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from bench import hours

ROOT = Path(__file__).parents[1]
README = (ROOT / "params/cluster/README.md").read_text()
COMMANDS = [shlex.split(line)[2:] for line in re.findall(r"^vllm serve .*", README, re.MULTILINE)]
RAY = yaml.safe_load((ROOT / "params/cluster/ray/serve.yaml").read_text())
GPUS = 8


@pytest.fixture
def engine_of(monkeypatch):
    """vLLM's own reading of a command's arguments."""
    pytest.importorskip("vllm", reason="vLLM is not installed here; make vllm-check runs this where it is")
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    def read(arguments: list[str]) -> AsyncEngineArgs:
        parsed = make_arg_parser(FlexibleArgumentParser()).parse_args(arguments)
        validate_parsed_serve_args(parsed)
        return AsyncEngineArgs.from_cli_args(parsed)

    monkeypatch.chdir(ROOT)
    return read


@pytest.mark.parametrize("file", sorted(ROOT.glob("params/cluster/vllm/*.yaml")), ids=lambda file: file.stem)
def test_vllm_takes_the_settings_which_fill_eight_gpus(engine_of, file):
    engine = engine_of(["--config", str(file)])
    assert engine.model == yaml.safe_load(file.read_text())["model"]
    assert engine.tensor_parallel_size * engine.data_parallel_size == GPUS
    assert engine.structured_outputs_config.disable_any_whitespace


@pytest.mark.parametrize("file", sorted(ROOT.glob("params/cluster/vllm/*.yaml")), ids=lambda file: file.stem)
def test_vllm_takes_the_settings_for_batch_files_too(file):
    launcher = pytest.importorskip("vllm.entrypoints.launchers.run_batch", reason="vLLM is not installed here")
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    given = ["--config", str(file), "--model", "another", "-i", "in.jsonl", "-o", "out.jsonl"]
    assert launcher.make_arg_parser(FlexibleArgumentParser()).parse_args(given).model == "another"


def test_the_job_answers_each_round_until_nothing_is_left_and_reads_what_a_stopped_one_left(tmp_path):
    for name, script in {"cce": CCE, "vllm": VLLM}.items():
        (tmp_path / ".venv/bin").mkdir(parents=True, exist_ok=True)
        (tmp_path / ".venv/bin" / name).write_text(script)
        (tmp_path / ".venv/bin" / name).chmod(0o755)
    (tmp_path / "params").symlink_to(ROOT / "params")
    (tmp_path / "runs/gpu/rounds/1").mkdir(parents=True)
    subprocess.run(["bash", "params/cluster/vllm/rounds.sh", "gpu", "01"], cwd=tmp_path, check=True)
    engine = "run-batch --config params/cluster/vllm/judge.yaml --model Qwen/Qwen2.5-72B-Instruct -i {0}.jsonl"
    place = "runs/gpu/rounds/2"
    assert (tmp_path / "said").read_text().splitlines() == [
        "batch read runs/gpu/rounds/1",
        f"batch write gpu {place} 01",
        engine.format(f"{place}/m") + f" -o {place}/m.results.jsonl",
        f"batch read {place}",
        "batch write gpu runs/gpu/rounds/3 01",
        "run gpu 01",
    ]


# Stand-ins that say what they are called with; the one round that is written has one request.
LINE = '{"custom_id": "k", "method": "POST", "url": "u", "body": {"model": "Qwen/Qwen2.5-72B-Instruct"}}'
VLLM = '#!/bin/bash\necho "$@" >> said\n'
CCE = f"""{VLLM}if [ "$2 $4" = "write runs/gpu/rounds/2" ]; then
    mkdir -p $4; echo '{LINE}' > $4/m.jsonl; touch $4/asked.jsonl
fi
[ "$2" != read ] || [ "$3" != runs/gpu/rounds/1 ]
"""


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_vllm_takes_the_commands_of_the_page(engine_of, arguments):
    engine = engine_of(arguments)
    assert (engine.data_parallel_size_local or engine.data_parallel_size) * engine.tensor_parallel_size == GPUS


def test_vllm_refuses_a_setting_that_it_does_not_know(engine_of, tmp_path):
    (tmp_path / "wrong.yaml").write_text("model: m\ntensor-parallel-sizes: 4\n")
    with pytest.raises(SystemExit):
        engine_of(["--config", str(tmp_path / "wrong.yaml")])


def test_ray_serve_takes_the_settings_which_fill_eight_gpus():
    pytest.importorskip("ray.serve.llm", reason="Ray Serve LLM is not installed here; make vllm-check runs this")
    from ray.serve.config import RequestRouterConfig
    from ray.serve.llm import LLMServingArgs
    from ray.serve.schema import DeploymentSchema, ServeDeploySchema
    from vllm.engine.arg_utils import AsyncEngineArgs

    application = ServeDeploySchema.model_validate(RAY).applications[0]
    models = LLMServingArgs.model_validate(application.args).llm_configs
    gpus = 0
    for model in models:
        engine, deployment = model.get_engine_config(), model.deployment_config
        AsyncEngineArgs(**engine.get_initialization_kwargs())
        DeploymentSchema(name=model.model_id, **deployment)
        RequestRouterConfig(**deployment["request_router_config"]).get_request_router_class()
        gpus += engine.num_devices * deployment["num_replicas"]
    assert gpus == GPUS


def test_both_ways_serve_the_same_models_with_the_same_engine():
    alone = [yaml.safe_load(file.read_text()) for file in ROOT.glob("params/cluster/vllm/*.yaml")]
    shared = {key: value for model in alone for key, value in settings(model).items()}
    together = RAY["applications"][0]["args"]["llm_configs"]
    assert {model["model"] for model in alone} == {model["model_loading_config"]["model_id"] for model in together}
    for model in alone:
        assert settings(model) == shared
    for model in together:
        assert settings(model["engine_kwargs"]) == shared


def settings(model: dict) -> dict:
    """What holds for every model: without its name, its place, and how it is cut up."""
    own = {"model", "port", "tensor_parallel_size", "data_parallel_size"}
    return {key: value for key, value in dashless(model).items() if key not in own}


def dashless(model: dict) -> dict:
    return {key.replace("-", "_"): value for key, value in model.items()}


def test_the_table_of_hours_is_what_the_script_prints():
    assert hours.table() in README


def test_hours_follow_from_the_calls_their_tokens_and_the_rates():
    # A pair: 1 vanilla, 16 votes, 16 comparisons, 16 rewritings, 1 decision.
    assert (hours.PAIRS, hours.JUDGE.calls) == (7429, 7429 * 50)
    assert hours.ANSWERS.calls == 5014 * 8
    work = hours.Work(calls=10, prompt=7200, generated=3600)
    assert hours.hours(work, (2.0, 1.0), gpus=1) == 2.0
    assert hours.hours(work, (2.0, 1.0), gpus=8) == 0.25


def test_the_longest_prompt_and_its_answer_fit_the_context_that_is_set():
    longest = hours.DECISION.prompt + 2048
    for file in ROOT.glob("params/cluster/vllm/*.yaml"):
        assert longest < yaml.safe_load(file.read_text())["max-model-len"]
