"""A hub that gives nothing says why, in its own words, with what to do about it."""

import pytest

from cce import load_pairs
from cce.benchmarks.sources import SOURCES, find_rows
from cce.errors import DataMissing
from tests.fake_hub import fake_hub
from tests.test_benchmarks import JUDGEBENCH, write

REFUSALS = {
    "a login is needed": (401, "GatedRepo", "GatedRepoError: 401 .*Cannot access gated repo.*log in by `hf auth"),
    "no right": (403, None, "HfHubHTTPError: 403 Forbidden.*log in by `hf auth login`"),
    "no such set": (404, "RepoNotFound", r"RepositoryNotFoundError: 404 .*Repository Not Found[^;]*\);"),
    "no such file": (404, "EntryNotFound", "RemoteEntryNotFoundError: 404 .*Entry Not Found"),
}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Makes a hub that refuses everything so."""
    monkeypatch.delenv("CCE_DATA", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    template = "{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"

    def at(address: str) -> None:
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template.format(address=address))

    return at


@pytest.mark.parametrize(("status", "code", "said"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_told_in_the_hubs_first_words(hub, status, code, said):
    with fake_hub({}, status, code) as address:
        hub(address)
        with pytest.raises(DataMissing, match=rf"WeOpenML/PandaLM.*the hub gave nothing \({said}") as error:
            load_pairs("pandalm")
    assert "\n" not in str(error.value)
    assert "CCE_DATA" in str(error.value)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionError("429 Too Many Requests for url"), "429 Too Many Requests for url; wait some minutes"),
        (OSError(37, "No locks available"), "No locks available; name a folder for its cache .* in HF_HOME"),
        (PermissionError(13, "Permission denied", "x.lock"), "Permission denied.*; name a folder for its cache"),
        (ValueError("Unknown split\nand more"), r"\(ValueError: Unknown split\)"),
        (ValueError(), r"\(ValueError\)"),
    ],
)
def test_so_is_what_its_library_says(monkeypatch, error, said):
    def fails(*_, **__):
        raise error

    monkeypatch.delenv("CCE_DATA", raising=False)
    monkeypatch.setattr("datasets.load_dataset", fails)
    with pytest.raises(DataMissing, match=said):
        find_rows(SOURCES["judgebench"], None)


def test_a_clone_of_judgebenchs_repository_gives_its_data_and_not_its_outputs(tmp_path):
    models = {"gpt-4o-2024-05-13": "judgebench", "claude-3-5-sonnet-20240620": "judgebench_claude"}
    for model, name in models.items():
        file = f"dataset=judgebench,response_model={model}"
        write(tmp_path, f"JudgeBench/data/{file}.jsonl", JUDGEBENCH)
        for judge in ("gpt-4o", "claude-3-haiku"):
            write(tmp_path, f"JudgeBench/outputs/{file},judge_name=arena_hard,judge_model={judge}.jsonl", [{"x": name}])
    for folder in (tmp_path, tmp_path / "JudgeBench", tmp_path / "JudgeBench" / "data"):
        for name in models.values():
            assert {pair.benchmark for pair in load_pairs(name, folder)} == {name}
