"""A Chromium to look at pages with, driven by Playwright, and what axe finds in them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_SERIOUS = {"serious", "critical"}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Give a headless Chromium of this machine; end the program with a sentence where there is none."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        raise SystemExit(f"No Chromium was found (looked for {', '.join(_NAMES)}): install one; nothing was checked.")
    # As root, Chromium does not start with its sandbox.
    arguments = [*_QUIET, "--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else _QUIET
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, path: Path, width: int = 1280, scheme: str = "light") -> Iterator[tuple[Page, list[str]]]:
    """Give a page in a window of this width, and the list of what it complains of and what it asks for elsewhere."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: (complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on(
        "request",
        lambda request: None if request.url.startswith(("file:", "data:")) else complaints.append(request.url),
    )
    try:
        page.goto(path.resolve().as_uri())
        yield page, complaints
    finally:
        context.close()


def axe_issues(page: Page) -> tuple[list[str], list[str]]:
    """Return axe's serious and its lesser issues, each as “rule: what (first place)”."""
    serious, lesser = [], []
    for violation in Axe().run(page).response["violations"]:
        place = violation["nodes"][0]["html"][:120]
        issue = f"{violation['id']}: {violation['help']} ({len(violation['nodes'])} ×, such as {place})"
        (serious if violation["impact"] in _SERIOUS else lesser).append(issue)
    return serious, lesser
