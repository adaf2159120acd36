# make demo     measures and classifies a CT of known density, and writes its audit folder to demo/
# make test     style, types and the tests; as root on Debian or Ubuntu it installs the system libraries that the panel's tests need
# make proofs   the tests that make test leaves out: more phantoms and longer simulations of the same kinds, before a release
# make bench    the time of a measurement, of placing it, and, with EGL, of a slice view
# make thousand a batch of 1,000 cases, also killed and on Dask: speed, memory, and the cost of a million
# make sequences  a hundred sequences of odd actions in the panel: slow
# make evidence computes the protocol's defaults and the accuracy of a measurement again: slow
# make browser  opens every page that LumbarHU writes in an installed Chromium and checks it
# make pages    writes the generated lists and the protocol schema from the code
# make pictures the same, and draws the figures of the documentation from the demo
# make extension the archives that 3D Slicer's Extensions Manager installs from a file, in dist/
# make versions the tests with the packages of each release of 3D Slicer and with the newest, each in its own environment
# make lint     style and types only;  make format: fixes the style
# make clean    removes everything that the above made, including .venv
#
# The first of them makes .venv, once, with the versions that constraints.txt pins: make demo with the packages of the demo,
# the others also with those of the tests.
# To use another Python: make PYTHON=/path/to/python3.12

PYTHON =
VENV = .venv
RUN = $(VENV)/bin/python
# The packages of the demo and its scene, and all packages.
LEAN = $(VENV)/installed-demo
INSTALLED = $(VENV)/installed

# Files are compiled when first imported: most never are.
INSTALL = $(RUN) -m pip install --no-compile --disable-pip-version-check --constraint constraints.txt --editable
NOT_INSTALLED = echo "The packages could not be installed: is there a network, and is this Linux on x86-64, macOS on Apple silicon or Windows?" >&2; exit 1;

# Checks in Python: is this version supported, and can it make an environment?
IS_SUPPORTED = import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))
CAN_MAKE_VENV = import venv, ensurepip

# Compiled code is kept: the tests start hundreds of processes, and each would compile numpy, scipy and the rest again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test tests style types proofs sequences bench thousand evidence browser pages pictures extension versions lint format clean

demo: $(LEAN)
	$(VENV)/bin/lumbarhu demo --out demo --overwrite

# Types are checked while the first tests run.
test: style
	@$(RUN) Testing/Python/harness/system_libraries.py
	@$(MAKE) --no-print-directory --jobs=2 types tests

tests: $(INSTALLED)
	$(RUN) -m pytest --numprocesses=auto --maxprocesses=4 --dist=worksteal

proofs: $(INSTALLED)
	$(RUN) -m pytest --numprocesses=auto --maxprocesses=4 --dist=worksteal -m proof

sequences: $(INSTALLED)
	LUMBARHU_SEQUENCES=100 $(RUN) -m pytest --numprocesses=auto Testing/Python/panel/test_odd_sequences.py

bench: $(INSTALLED)
	$(RUN) Testing/Benchmarks/benchmark.py
	$(RUN) Testing/Benchmarks/placing.py

thousand: $(INSTALLED)
	$(RUN) Testing/Benchmarks/batch_thousand.py --write

evidence: $(INSTALLED)
	$(RUN) Testing/Evidence/cortical_margin.py
	$(RUN) Testing/Evidence/phantom_accuracy.py
	$(RUN) Testing/Evidence/body_shape.py
	$(RUN) Testing/Evidence/hostile_outlines.py
	$(RUN) Testing/Evidence/hostile_sheet.py
	$(RUN) Testing/Evidence/real_outlines_sheet.py
	$(RUN) Testing/Evidence/real_outlines_sheet.py --held-out --no-pictures
	$(RUN) Testing/Evidence/real_outlines_jitter.py
	$(RUN) Testing/Evidence/doubtful_outlines.py
	$(RUN) Testing/Evidence/doubtful_outlines.py --held-out
	$(RUN) Testing/Evidence/placement_accuracy.py masks 12
	$(RUN) Testing/Evidence/placement_accuracy.py clicks 12
	$(RUN) Testing/Evidence/real_placement.py bodies 20
	$(RUN) Testing/Evidence/real_placement.py others 3
	$(RUN) Testing/Evidence/real_placement.py heights
	$(RUN) Testing/Evidence/beyond_one_study.py
	$(RUN) Testing/Evidence/study_cutoff_intervals.py
	$(RUN) Testing/Evidence/auc_coverage.py
	$(RUN) Testing/Evidence/cutoff_coverage.py

browser: $(INSTALLED)
	$(RUN) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[browser]'
	$(RUN) Testing/Browser/check_pages.py

pages: $(INSTALLED)
	$(RUN) Docs/list_findings.py
	$(RUN) Docs/list_quantities.py
	$(RUN) Docs/list_cohort_tables.py
	$(RUN) Docs/write_protocol_schema.py

pictures: pages
	$(RUN) Docs/draw_pictures.py
	$(RUN) Docs/draw_protocol.py
	$(RUN) Docs/draw_report.py
	$(RUN) Docs/draw_follow_up.py
	$(RUN) Docs/draw_notebook.py
	$(RUN) Docs/draw_walkthrough.py

# Needs no environment: it packs files.
extension:
	$(or $(PYTHON),python3) Packaging/build_extension.py --out dist

versions: $(LEAN)
	$(RUN) Packaging/try_versions.py

lint: style types

style: $(INSTALLED)
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check

types: $(INSTALLED)
	$(RUN) -m mypy

format: $(INSTALLED)
	$(RUN) -m ruff check --fix
	$(RUN) -m ruff format

clean:
	rm -rf $(VENV) demo demo-cohort evidence build dist .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

$(LEAN): pyproject.toml constraints.txt
	@if $(RUN) -c '$(IS_SUPPORTED)' 2>/dev/null && $(RUN) -m pip --version >/dev/null 2>&1; then exit 0; fi; \
	found=; without_venv=; \
	for candidate in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python3.10 python); do \
	  "$$candidate" -c '$(IS_SUPPORTED)' 2>/dev/null || continue; \
	  if "$$candidate" -c '$(CAN_MAKE_VENV)' 2>/dev/null; then found=$$candidate; break; fi; \
	  without_venv=$${without_venv:-$$candidate}; \
	done; \
	if [ -z "$$found" ] && [ -n "$$without_venv" ]; then \
	  echo "$$without_venv cannot make virtual environments: install its venv package (Debian, Ubuntu: apt-get install python3-venv) and type make again." >&2; exit 1; \
	elif [ -z "$$found" ] && [ -n "$(PYTHON)" ]; then \
	  version=$$("$(PYTHON)" --version 2>&1) || version="no Python that runs"; \
	  echo "$(PYTHON) is $$version: name one of Python 3.10 to 3.13, or omit PYTHON= to have one searched for." >&2; exit 1; \
	elif [ -z "$$found" ]; then \
	  echo "No Python 3.10 to 3.13 was found: install one, or name one by typing make PYTHON=/path/to/python3.12" >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$found" --version); the packages take 1.4 GB, once; those of the tests 0.8 GB more."; \
	"$$found" -m venv --clear $(VENV)
	@$(INSTALL) '.[scene]' || { $(NOT_INSTALLED) }
	@touch $@

$(INSTALLED): $(LEAN)
	@$(INSTALL) '.[test]' || { $(NOT_INSTALLED) }
	@touch $@
