"""Look at every page that LumbarHU writes in a real browser: run it with ``make browser``.

Light and dark, at the width of a phone and of a desk: nothing scrolls sideways but tables in their own boxes, nothing
is asked for elsewhere, axe finds no serious issue. With the keyboard alone: everything is reached. On paper: two pages.
"""

import argparse
import re
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Python"))

from audit.readings import CUTOFFS, PROTOCOL, example_audit, random_ct
from browser_tools import axe_issues, chromium, opened

from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.headless.command_line import main as lumbarhu

WIDTHS_PX = {"phone": 360, "desk": 1280}
SCHEMES = ("light", "dark")
HOSTILE = "<script>alert(1)</script>\"'&</td><img src=x onerror=alert(2)> שלום"
LONG = "W" * 10_000
FEW_CASES, CASES = 30, 1000


class Checks:
    """Counts what was held, and reports what was not."""

    def __init__(self):
        self.held, self.failed = 0, []

    def that(self, is_so: bool, sentence: str) -> None:
        """Note whether it is so."""
        self.held += bool(is_so)
        if not is_so:
            self.failed.append(sentence)
            print(f"FAILED  {sentence}")


def main() -> int:
    """Check all pages; return 0 when every check held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--screenshots", type=Path, help="folder to leave pictures of the pages in")
    screenshots = parser.parse_args().screenshots
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        root = Path(folder)
        pages = made_pages(root)
        for name, path in pages.items():
            for place, width in WIDTHS_PX.items():
                for scheme in SCHEMES:
                    look_at(browser, path, f"{name}, {place}, {scheme}", width, scheme, checks, screenshots)
        print_on_paper(browser, pages["report"], checks)
        use_report_by_keyboard(browser, pages["report"], checks)
        use_index_by_keyboard(browser, root / "many" / "index.html", checks)
        index_without_script(browser, root / "many" / "index.html", checks)
    print(f"{checks.held} checks held, {len(checks.failed)} failed.")
    return 1 if checks.failed else 0


def made_pages(root: Path) -> dict[str, Path]:
    """Write the pages: the demo's report, one with hostile text everywhere, an index, a cohort."""
    if lumbarhu(["demo", "--out", str(root / "demo")]) or lumbarhu(["demo", "--cohort", "--out", str(root / "cohort")]):
        raise SystemExit("A demo failed: see its sentence above.")
    write_audit_folder(root / "cases" / "hostile", hostile_audit())
    put_cases(root / "demo" / "audit", root / "cases", FEW_CASES)
    put_cases(root / "demo" / "audit", root / "many", CASES)
    if lumbarhu(["index", str(root / "cases")]) or lumbarhu(["index", str(root / "many")]):
        raise SystemExit("The index failed: see its sentence above.")
    return {
        "report": root / "demo" / "audit" / "report.html",
        "hostile report": root / "cases" / "hostile" / "report.html",
        "index": root / "cases" / "index.html",
        "cohort": root / "cohort" / "result" / "summary.html",
        "follow-up": follow_up_page(root / "follow-up"),
    }


def follow_up_page(folder: Path) -> Path:
    """Write two hostile readings of different CTs and their follow-up, and return its page."""
    for number in (1, 2):
        write_audit_folder(folder / str(number), hostile_audit(random_ct(seed=number)))
    dated = [f"{folder / str(number)}={2020 + number}-03-01" for number in (1, 2)]
    if lumbarhu(["follow-up", *dated, "--out", str(folder / "result")]):
        raise SystemExit("The follow-up failed: see its sentence above.")
    return folder / "result" / "report.html"


def put_cases(audit: Path, folder: Path, count: int) -> None:
    """Leave `count` copies of an audit folder, each with a case and a round mean of its own."""
    summary = (audit / "summary.csv").read_text(encoding="utf-8")
    mean = re.search(r",(\d+\.\d+),", summary)[1]
    for number in range(count):
        case = folder / f"{number:04}"
        case.mkdir(parents=True)
        for name in ("record.json", "report.html"):
            shutil.copy(audit / name, case / name)
        text = summary.replace("phantom,", f"case {number},").replace(mean, f"{(number * 37) % 200}.5")
        (case / "summary.csv").write_text(text, encoding="utf-8")


def hostile_audit(ct=None):
    """Return a reading whose every text is markup, runs from right to left, or has ten thousand letters."""
    audit = example_audit(ct)
    levels = tuple(replace(level, excluded=HOSTILE if level.excluded else "") for level in audit.result.levels)
    refusals = tuple(replace(refusal, excluded=LONG) for refusal in audit.result.refusals)
    findings = tuple(replace(finding, sentence=LONG, remedy=HOSTILE) for finding in audit.result.findings)
    return replace(
        audit,
        case=f"{HOSTILE} {LONG}",
        reader=LONG,
        result=replace(audit.result, levels=levels, refusals=refusals, findings=findings),
        scan_facts=ScanFacts(kernel=LONG, manufacturer=HOSTILE, source=f"\u202e{HOSTILE}"),
        protocol=replace(PROTOCOL, name=LONG, citation=HOSTILE),
        cutoffs=replace(CUTOFFS, name=HOSTILE, citation=LONG),
    )


def look_at(browser, path: Path, what: str, width: int, scheme: str, checks: Checks, screenshots: Path | None) -> None:
    """Check one page in one window."""
    with opened(browser, path, width, scheme) as (page, complaints):
        overhang = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        checks.that(overhang <= 0, f"{what}: the page is {overhang} px wider than the window.")
        serious, lesser = axe_issues(page)
        checks.that(not serious, f"{what}: axe finds {serious}")
        for issue in lesser:
            print(f"note    {what}: {issue}")
        checks.that(not complaints, f"{what}: {complaints}")
        if screenshots is not None:
            screenshots.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=screenshots / f"{what.replace(', ', '-').replace(' ', '-')}.png", full_page=True)


def print_on_paper(browser, path: Path, checks: Checks) -> None:
    """Check that the report of four levels takes two pages of A4."""
    with opened(browser, path, scheme="dark") as (page, _):
        pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    count = len(re.findall(rb"/Type\s*/Page\b", pdf))
    checks.that(count == 2, f"report: it takes {count} pages of paper, not 2.")


def use_report_by_keyboard(browser, path: Path, checks: Checks) -> None:
    """Check that everything that does something is reached by Tab, is seen to be, and answers to Space."""
    with opened(browser, path, WIDTHS_PX["phone"]) as (page, _):
        wanted = page.locator("input, .wide").count()
        reached = set()
        for _ in range(wanted):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.id || document.activeElement.ariaLabel"))
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            checks.that(outline != "none", f"report: {reached} has the focus, and nothing shows it.")
        checks.that(len(reached) == wanted, f"report: Tab reaches {sorted(reached)}, not all {wanted}.")
        page.focus("#regions")
        page.keyboard.press("Space")
        seen = page.evaluate("getComputedStyle(document.querySelector('.picture .regions')).visibility")
        checks.that(seen == "hidden", "report: Space on “Show regions” hides none.")
        page.focus("[aria-label='Means and classes of the five ROIs']")
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(300)
        moved = page.evaluate("document.activeElement.scrollLeft")
        checks.that(moved > 0, "report: the arrow keys do not scroll a wide table.")


def use_index_by_keyboard(browser, path: Path, checks: Checks) -> None:
    """Check that finding, sorting and opening a report need no mouse, and take no time with a thousand cases."""
    with opened(browser, path) as (page, _):
        page.keyboard.press("Tab")
        page.keyboard.type("case 77")
        shown = page.locator("#shown").inner_text()
        checks.that(shown == f"11 of {CASES} shown", f"index: “case 77” leaves {shown}.")
        page.fill("#text", "")
        page.focus("th:nth-child(5) button")
        began = page.evaluate("performance.now()")
        page.keyboard.press("Enter")
        taken_ms = page.evaluate("performance.now()") - began
        checks.that(taken_ms < 3000, f"index: sorting {CASES} cases takes {taken_ms:.0f} ms.")
        print(f"note    index: sorting {CASES} cases took {taken_ms:.0f} ms.")
        order = page.locator("th:nth-child(5)").get_attribute("aria-sort")
        values = [float(cell.split()[0]) for cell in page.locator("tbody td:nth-child(5)").all_inner_texts()]
        checks.that(order == "ascending" and values == sorted(values), "index: Enter does not sort upward.")
        page.keyboard.press("Space")
        values = [float(cell.split()[0]) for cell in page.locator("tbody td:nth-child(5)").all_inner_texts()]
        checks.that(values == sorted(values, reverse=True), "index: pressed again it does not sort downward.")
        page.select_option("#class", label="not classified")
        count = page.locator("tbody tr:visible").count()
        checks.that(
            page.locator("#shown").inner_text().startswith(f"{count} of"), "index: the count is not what shows."
        )
        page.select_option("#class", label="any")
        page.focus("tbody tr:first-child a")
        page.keyboard.press("Enter")
        page.wait_for_url("**/report.html")
        checks.that("LumbarHU report" in page.title(), "index: a link does not lead to its report.")


def index_without_script(browser, path: Path, checks: Checks) -> None:
    """Check that the index is a plain table where scripts are off."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.resolve().as_uri())
    checks.that(page.locator("tbody a").count() == CASES, "index: without scripts there are no links.")
    checks.that(not page.locator(".find").is_visible(), "index: without scripts it offers what does nothing.")
    context.close()


if __name__ == "__main__":
    sys.exit(main())
