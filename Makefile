# make demo     the main job on a CT of our own: measured, classified, audited; the result is in demo/
# make test     style and every test; as root on Debian or Ubuntu it installs the system libraries that the panel's need
# make bench    how long a measurement takes, placing it, and, where there is EGL, a slice view
# make thousand a batch of 1,000 cases, killed and on Dask as well: speed, memory, and what a million would cost
# make sequences  a hundred sequences of odd actions in the panel: slow
# make evidence the choice of the protocol's defaults, and how exact a measurement is, worked out anew
# make browser  every page that it writes, looked at in a Chromium that is installed
# make pictures the documents' pictures, drawn again from the demo, and the lists and the schema made from the code
# make extension the archives that 3D Slicer's Extensions Manager installs from a file, in dist/
# make versions the tests with the packages of each release of 3D Slicer, and the newest, in environments of their own
# make lint     style and types alone;  make format: mends the style
# make clean    removes what the above made, .venv too
#
# Each of them first makes .venv, once, with the versions that constraints.txt pins: make demo with what the demo needs, the
# others with what the tests need as well.
# Another Python than the one found: make PYTHON=/path/to/python3.12

PYTHON =
VENV = .venv
RUN = $(VENV)/bin/python
# What the demo and its scene need, and what the tests and everything else need as well.
LEAN = $(VENV)/installed-demo
INSTALLED = $(VENV)/installed

# Compiled when they are first imported: most never are.
INSTALL = $(RUN) -m pip install --no-compile --disable-pip-version-check --constraint constraints.txt --editable
NOT_INSTALLED = echo "The packages could not be installed: is there a network, and is this Linux on x86-64, macOS on Apple silicon or Windows?" >&2; exit 1;

# Two lines to Python: is this a supported version; can it make an environment.
IS_SUPPORTED = import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))
CAN_MAKE_VENV = import venv, ensurepip

.PHONY: demo test sequences bench thousand evidence browser pictures extension versions lint format clean

demo: $(LEAN)
	$(VENV)/bin/lumbarhu demo --out demo --overwrite

test: lint
	@$(RUN) Testing/Python/harness/system_libraries.py
	$(RUN) -m pytest --numprocesses=auto --maxprocesses=4 --dist=worksteal

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
	$(RUN) Testing/Evidence/real_outlines_jitter.py
	$(RUN) Testing/Evidence/placement_accuracy.py masks 12
	$(RUN) Testing/Evidence/placement_accuracy.py clicks 12
	$(RUN) Testing/Evidence/real_placement.py bodies 20
	$(RUN) Testing/Evidence/real_placement.py others 3
	$(RUN) Testing/Evidence/real_placement.py heights
	$(RUN) Testing/Evidence/study_cutoff_intervals.py
	$(RUN) Testing/Evidence/auc_coverage.py
	$(RUN) Testing/Evidence/cutoff_coverage.py

browser: $(INSTALLED)
	$(RUN) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[browser]'
	$(RUN) Testing/Browser/check_pages.py

pictures: $(INSTALLED)
	$(RUN) Docs/draw_pictures.py
	$(RUN) Docs/draw_protocol.py
	$(RUN) Docs/draw_report.py
	$(RUN) Docs/draw_follow_up.py
	$(RUN) Docs/draw_notebook.py
	$(RUN) Docs/draw_walkthrough.py
	$(RUN) Docs/list_findings.py
	$(RUN) Docs/list_cohort_tables.py
	$(RUN) Docs/write_protocol_schema.py

# Needs no environment: it packs files.
extension:
	$(or $(PYTHON),python3) Packaging/build_extension.py --out dist

versions: $(LEAN)
	$(RUN) Packaging/try_versions.py

lint: $(INSTALLED)
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
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
	  echo "$(PYTHON) is $$version: name one of Python 3.10 to 3.13, or leave PYTHON= away to have one searched for." >&2; exit 1; \
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
