"""The summary of a cohort as one page: method, tables, figures, and what is doubtful or left out."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from LumbarHULib import __version__
from LumbarHULib.cohort.analysis import CohortAnalysis
from LumbarHULib.cohort.cases import CohortFinding
from LumbarHULib.cohort_files.method import method_text
from LumbarHULib.cohort_files.page_tables import summary_tables
from LumbarHULib.cohort_files.words import by_kind, in_columns, more_like_it
from LumbarHULib.files import html_text as html

_NOTICE = "For research only. Not a medical device, not a diagnosis; a mean above a cutoff excludes nothing."
# So many findings of one kind are written out; more are folded away, and of very many the rest is in the file alone.
_SHOWN, _FOLDED = 3, 500


def summary_page(
    analysis: CohortAnalysis,
    findings: Sequence[CohortFinding],
    figures: Mapping[str, tuple[Path, str]],
    files: Mapping[str, str],
) -> str:
    """Return the page.

    Parameters
    ----------
    analysis : CohortAnalysis
    findings : sequence of CohortFinding
        All of them.
    figures : mapping of str to (pathlib.Path, str)
        SVG file and caption by name.
    files : mapping of str to str
        What each file of the folder holds, by its path there.
    """
    cohort = analysis.cohort
    parts = [html.heading(f"Cohort: {cohort.name}", 1)]
    sizes = ", ".join(f"{size} {group}" for group, size in cohort.group_sizes.items())
    parts.append(html.paragraph(f"{len(cohort)} cases: {sizes}. LumbarHU {__version__}. {_NOTICE}", "note"))
    if cohort.note:
        parts.append(html.paragraph(cohort.note, "banner"))
    parts += [html.heading("What is doubtful or left out"), *_findings(findings)]
    parts += [html.heading("Method"), html.paragraph(method_text(analysis))]
    for title, tables in summary_tables(analysis):
        parts += [html.heading(title), *tables]
    if figures:
        parts.append(html.heading("Figures"))
        parts += [html.picture(path, caption) for path, caption in figures.values()]
    parts += [html.heading("Files"), html.table(["File", "Holds"], list(files.items()), left=2)]
    if cohort.note:
        parts.append(html.paragraph(cohort.note, "banner"))
    return html.page(f"{'SYNTHETIC – ' if cohort.is_synthetic else ''}Cohort {cohort.name} – LumbarHU", parts)


def _findings(findings: Sequence[CohortFinding]) -> list[str]:
    if not findings:
        return [html.paragraph("Nothing.")]
    parts = []
    for code, of_kind in by_kind(findings).items():
        sentences = [f"{finding.sentence} {finding.remedy}".strip() for finding in of_kind]
        count = len(of_kind)
        if count <= _SHOWN or code == "left_out":
            parts.append(html.bullets(sentences))
        else:
            rest = [more_like_it(count - _FOLDED)] if count > _FOLDED else []
            every = html.bullets([*sentences[:_FOLDED], *rest])
            told = f"{count} findings of one kind{in_columns(of_kind)}, such as: {sentences[0]}"
            parts.append(html.folded(told, every))
    return parts
