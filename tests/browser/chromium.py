"""Finds Chromium, or installs it: `python -m tests.browser.chromium`.

Present already, else from Debian's packages when root, else through Playwright.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without them Chromium keeps trying to reach its maker's servers.
ARGUMENTS = (
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def find() -> str | None:
    """Path of a Chromium on this machine."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    with sync_playwright() as playwright:
        bundled = playwright.chromium.executable_path
    return bundled if Path(bundled).exists() else None


def install() -> None:
    """Install Chromium by the first way that works."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        packages = ["chromium", "fonts-dejavu-core"]
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
        for step in (["apt-get", "update", "-qq"], command):
            if subprocess.run(step, stdout=subprocess.DEVNULL, **quiet).returncode != 0:  # type: ignore[call-overload]
                break
        else:
            return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


def arguments() -> list[str]:
    """Command-line arguments; root cannot have Chromium's sandbox."""
    return [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def main() -> int:
    """Make sure there is one; return the exit status."""
    if find() is None:
        print("Chromium is not here, installing it …", flush=True)
        install()
    path = find()
    print(f"Chromium: {path}" if path else "Chromium could not be installed.", flush=True)
    return 0 if path else 1


if __name__ == "__main__":
    sys.exit(main())
