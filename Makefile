PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PEERS := $(VENV)/.peers

# study-% is a pattern, which cannot be phony.
.PHONY: studies-check cluster-test slurm-test install peers data demo test test-slow conformance faults faults-slice coverage lint types contracts changes published docs site wheel-test quick benchmarks gpu gpu-small ci

install: $(INSTALLED)

# WHEELS=FOLDER installs from wheels that were brought along, without a network.
FROM := $(if $(WHEELS),--no-index --find-links $(WHEELS))
PIP := $(BIN)/pip install --quiet $(FROM)

$(INSTALLED): pyproject.toml
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade pip
	$(PIP) --editable '.[dev,data]'
	touch $(INSTALLED)

# Lightning, whose training loop is measured beside ours.
$(PEERS): $(INSTALLED)
	$(PIP) --editable '.[benchmarks]'
	touch $(PEERS)

peers: $(PEERS)

# The packages that domains read; fetched once, checked against their locked hashes.
data: install
	$(BIN)/bench data install all

demo: quick
	$(BIN)/bench report results/quick results/quick-digits

quick: install
	$(BIN)/bench run --config configs/quick.yaml
	$(BIN)/bench run --config configs/quick-digits.yaml

test: install
	$(BIN)/pytest -n 2 -m 'not slow and not conformance and not faults and not cuda' --durations=10

test-slow: install
	$(BIN)/pytest -m slow --durations=10

conformance: install
	$(BIN)/pytest -n 2 -m 'not slow' tests/conformance --durations=10

# Kills, full disks, hostile plug-ins and fuzzed input, with counts: docs/reliability.md.
faults: install
	$(BIN)/pytest -m faults tests/faults --durations=10

faults-slice: install
	FAULTS=small $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m faults tests/faults --durations=5

coverage: install
	$(BIN)/pytest -m 'not slow and not conformance and not faults and not cuda' --cov --cov-report=term-missing:skip-covered

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

contracts: install
	$(BIN)/lint-imports

changes: install
	$(BIN)/towncrier build --draft --version next

docs: install
	$(BIN)/python .ci/write_pages.py
	$(BIN)/python .ci/write_conformance_page.py

# The documentation with search, the Python interface and notebooks that are executed; opens from disk: site/index.html.
site: install
	PATH="$(CURDIR)/$(BIN):$$PATH" NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet

wheel-test: install
	$(BIN)/pytest -m slow tests/test_wheel.py

# A study, such as study-real-pairs; what is done is not done again. Its records go to results/reference/studies.
study-%: data
	$(BIN)/bench run --config studies/$*
	.ci/pack_study $*
	$(BIN)/python .ci/write_studies.py

study-tuned: data
	$(BIN)/bench tune --config studies/tuned --tuning-replicates 2 \
		--over 'lr=1e-4..1e-1:log,weight_decay=0|0.01|0.1,optimizer=adamw|sgd'
	.ci/pack_study tuned
	$(BIN)/python .ci/write_studies.py

# Every labelled pair once for all joins, again with what joins of encodings see where images are paired anew, and more pairs.
study-aligned: data
	$(BIN)/bench run --config studies/aligned
	$(BIN)/bench run --config studies/aligned --recipe train_pairs=25600,pairs_per_image=8 \
		--domain geo --domain geo:displacement=2 --domain geo:displacement=8 --replicates 5 \
		--out results/studies/aligned/re-paired
	for pairs in 102400 307200; do \
		$(BIN)/bench run --config studies/aligned --recipe train_pairs=$$pairs --domain geo --domain geo:displacement=8 \
			--fusion two_channel --fusion cross_attention --replicates 3 --out results/studies/aligned/more/$$pairs || exit; \
	done
	.ci/pack_study aligned
	$(BIN)/python .ci/write_studies.py

# So many passes over so many pairs that every join takes about as many steps.
study-few-pairs: data
	for pairs in 150 600 2400 9600; do \
		$(BIN)/bench run --config studies/few-pairs --recipe train_pairs=$$pairs,epochs=$$((9600 / pairs)) \
			--out results/studies/few-pairs/$$pairs || exit; \
	done
	.ci/pack_study few-pairs
	$(BIN)/python .ci/write_studies.py

study-poses: data
	for pairs in 9600 38400 102400 307200; do \
		$(BIN)/bench run --config studies/poses --recipe train_pairs=$$pairs --out results/studies/poses/$$pairs || exit; \
	done
	.ci/pack_study poses
	$(BIN)/python .ci/write_studies.py

# Recomputes every number of the pages of studies from their records.
studies-check: data
	$(BIN)/python .ci/write_studies.py --check
	$(BIN)/bench verify $(filter-out %/sbert,$(wildcard results/reference/studies/*))
	$(BIN)/bench verify results/reference/studies/sbert --include configs/studies/features.py

# Test sets, keys of cells and generated pages are those of the code.
published: data
	$(BIN)/python .ci/freeze_test_sets.py --check
	$(BIN)/python .ci/freeze_keys.py --check
	$(BIN)/python .ci/write_pages.py --check
	$(BIN)/python .ci/write_conformance_page.py --check
	$(BIN)/python .ci/write_submissions.py --check

# A sweep of 24 cells by a real Ray of three machines on this one and by this one alone: the same records.
cluster-test: install
	$(BIN)/pytest -m slow tests/executors/test_ray.py -k gives_the_records --durations=1

# As root, on Debian or Ubuntu: sets up a real SLURM of one node.
slurm-test: install
	.ci/start_slurm
	$(BIN)/pytest -m slow tests/executors/test_slurm.py

# Wants a machine with nothing else on it.
benchmarks: quick $(PEERS)
	$(BIN)/python benchmarks/start_up.py
	$(BIN)/python benchmarks/report.py results/quick
	$(BIN)/python benchmarks/scale.py
	$(BIN)/python benchmarks/rendering.py
	$(BIN)/python benchmarks/training_step.py
	$(BIN)/python benchmarks/frozen.py
	$(BIN)/python benchmarks/seeds_together.py
	$(BIN)/python benchmarks/sweep.py

# On a machine with a GPU: are its numbers those of the CPU, and how fast are they? docs/performance.md.
gpu: $(PEERS)
	$(BIN)/python benchmarks/gpu.py --device cuda --out results/gpu

# The same in small on the CPU, so that it works when there is a GPU.
gpu-small: $(PEERS)
	rm -rf results/gpu-small
	$(BIN)/python benchmarks/gpu.py --device cpu --small --out results/gpu-small

ci:
	.ci/run
