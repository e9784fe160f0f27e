"""The real Chromium that tests, benchmarks and pictures use: Debian's where it is, else Playwright's own."""

import shutil

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def executable() -> str | None:
    """Its path; None where Playwright has to know."""
    return shutil.which("chromium") or shutil.which("google-chrome")


def without_windows() -> str | None:
    """The path of Chromium without what draws its windows, or else of the whole of it; None where Playwright has to
    know. The engine is the same, and a page in it takes half of the computing time."""
    return shutil.which("chromium-headless-shell") or executable()
