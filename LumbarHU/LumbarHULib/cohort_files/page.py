"""Write the summary of a cohort as one page: method, tables, figures, findings and missing results."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from LumbarHULib import __version__
from LumbarHULib.cohort.analysis import CohortAnalysis
from LumbarHULib.cohort.cases import Cohort, CohortFinding
from LumbarHULib.cohort.findings import counted
from LumbarHULib.cohort.references import DXA
from LumbarHULib.cohort.tables import Table
from LumbarHULib.cohort_files.checklist import CHECKLIST
from LumbarHULib.cohort_files.method import method_text
from LumbarHULib.cohort_files.page_level_tables import flow_tables, level_tables
from LumbarHULib.cohort_files.page_tables import summary_tables
from LumbarHULib.files import html_text as html

NOTICE = "For research only. Not a medical device, not a diagnosis; a mean above a cutoff does not exclude disease."
# What figures need.
MATPLOTLIB = "matplotlib"

# Largest number of rows with findings in the folded list; rows.csv lists all of them.
_FOLDED = 500


def summary_page(
    analysis: CohortAnalysis,
    tables: Mapping[str, Table],
    figures: Mapping[str, tuple[Path, str]],
    files: Mapping[str, str],
) -> str:
    """Return the page.

    Parameters
    ----------
    analysis : CohortAnalysis
    tables : mapping of str to Table
        The folder's tables, by name.
    figures : mapping of str to (pathlib.Path, str)
        SVG file and caption by name.
    files : mapping of str to str
        Content of each file, by its path in the folder.
    """
    parts = [html.heading("Findings"), *findings_parts(analysis.findings, tables["rows"])]
    parts += [html.heading("Method"), html.paragraph(method_text(analysis))]
    parts += [html.heading("From the table to the analysis"), *flow_tables(analysis)]
    for title, shown in (*summary_tables(analysis), *level_tables(analysis)):
        parts += [html.heading(title), *shown]
    parts += [html.heading("Checklists of reporting"), *_checklists(tables[CHECKLIST])]
    name = analysis.cohort.name
    return framed_page(analysis.cohort, f"Cohort: {name}", f"Cohort {name}", parts, tables["gaps"], figures, files)


def framed_page(
    cohort: Cohort,
    heading: str,
    title: str,
    parts: Sequence[str],
    gaps: Table,
    figures: Mapping[str, tuple[Path, str]],
    files: Mapping[str, str],
) -> str:
    """Return a page on a cohort: its size and note, then `parts`, then what is missing, figures, files, and the note.

    Parameters
    ----------
    cohort : Cohort
    heading, title : str
        Of the page, and of the browser's tab.
    parts : sequence of str
        HTML of the results.
    gaps : Table
        The missing results.
    figures, files
        See `summary_page`.
    """
    note = [html.paragraph(cohort.note, "banner")] if cohort.note else []
    first = [html.heading(heading, 1)]
    first.append(html.paragraph(f"{sizes_text(cohort)}. LumbarHU {__version__}. {NOTICE}", "note"))
    if why := figures_text(gaps):
        first.append(html.paragraph(why, "note"))
    last = [html.heading("Missing results, and how to get them"), *gaps_parts(gaps)]
    if figures:
        last.append(html.heading("Figures"))
        last += [html.picture(path, caption) for path, caption in figures.values()]
    last += [html.heading("Files"), html.table(["File", "Holds"], list(files.items()), left=2)]
    synthetic = "SYNTHETIC – " if cohort.is_synthetic else ""
    return html.page(f"{synthetic}{title} – LumbarHU", [*first, *note, *parts, *last, *note])


def sizes_text(cohort: Cohort) -> str:
    """Return the number of cases, in total and in each class of each reference."""
    parts = [f"{len(cohort)} case{'s' if len(cohort) != 1 else ''}"]
    for reference in cohort.references:
        sizes = ", ".join(f"{size} {group}" for group, size in reference.sizes.items())
        parts.append(sizes if reference.name == DXA else f"{reference.name}: {sizes}")
    return (
        f"{parts[0]}: {'; '.join(parts[1:])}"
        if parts[1:]
        else f"{parts[0]}; no case has a reference (T-score, group, QCT or outcome)"
    )


def sizes_and_curves_text(cohort: Cohort) -> str:
    """Return the number of cases, and whether there are no ROC curves for lack of a reference."""
    return sizes_text(cohort) + ("" if cohort.references else ", so there are no ROC curves")


def figures_text(gaps: Table) -> str:
    """Return why there are no figures, by the table of missing results; empty if they were drawn or not requested."""
    return " ".join(
        f"No figures were drawn. {record['reason']}"
        for record in gaps.records()
        if record["analysis"] == "Figures" and record["would_need"] == MATPLOTLIB
    )


def findings_parts(every: Sequence[CohortFinding], row_findings: Table) -> list[str]:
    """Return the findings, one per kind, and the folded list of all rows with a finding, in HTML."""
    findings = counted(every)
    if not findings:
        return [html.paragraph("Nothing.")]
    parts = [html.bullets(f"{finding.sentence} {finding.remedy}".strip() for finding in findings)]
    rows = [f"{record['sentence']} {record['remedy']}".strip() for record in row_findings.records()]
    if rows:
        rest = [f"… and {len(rows) - _FOLDED} more (rows.csv)."] if len(rows) > _FOLDED else []
        parts.append(html.folded(f"All rows with a finding: {len(rows)}", html.bullets(rows[:_FOLDED] + rest)))
    return parts


def _checklists(table: Table) -> list[str]:
    rows = [[record[name] for name in ("list", "item", "asks", "answer", "source")] for record in table.records()]
    citations = dict.fromkeys(record["citation"] for record in table.records())
    header = ["List", "Item", "What it asks, in short", "Answer", "From"]
    return [
        html.table(header, rows, left=2, grouped=True, text=(2, 3, 4), name="Checklists"),
        html.paragraph(" ".join(f"{citation}." for citation in citations), "note"),
    ]


def gaps_parts(table: Table) -> list[str]:
    """Return the missing results, in HTML."""
    if not table.rows:
        return [html.paragraph("None.")]
    rows = [[str(cell or "") for cell in row] for row in table.rows]
    return [html.table(["Analysis", "Result", "Reason", "Needed"], rows, left=4, text=(0, 1, 2, 3), name="Gaps")]
