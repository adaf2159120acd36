"""Run the cells of the notebook and keep what they print and draw in it: run it with ``make pictures``.

It needs no Jupyter: a cell is Python, and what it prints and draws is stored as a notebook stores it.
"""

import argparse
import base64
import io
import json
import os
import tempfile
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

NOTEBOOK = Path(__file__).parent / "demo.ipynb"
DPI = 80


def main() -> None:
    """Run the notebook in an empty folder, and write it with its outputs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=NOTEBOOK.parent)
    path = (parser.parse_args().out / NOTEBOOK.name).absolute()
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            run_cells(notebook)
        finally:
            os.chdir(before)
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def run_cells(notebook: dict) -> dict:
    """Run every code cell of a notebook in one namespace, put its outputs into it, and return that namespace."""
    names: dict = {}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, start=1):
        out = io.StringIO()
        with redirect_stdout(out), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*non-interactive")  # show() draws nothing without a screen
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
        cell["execution_count"] = number
        cell["outputs"] = [_stream(out.getvalue())] if out.getvalue() else []
        cell["outputs"] += [_picture(plt.figure(figure)) for figure in plt.get_fignums()]
        plt.close("all")
    return names


def _stream(text: str) -> dict:
    return {"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)}


def _picture(figure) -> dict:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DPI, bbox_inches="tight")
    encoded = base64.b64encode(content.getvalue()).decode("ascii")
    return {"output_type": "display_data", "metadata": {}, "data": {"image/png": encoded}}


if __name__ == "__main__":
    main()
