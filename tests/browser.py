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
