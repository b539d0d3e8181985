"""One command for the app, one for the tests: `python dev.py start`, `python dev.py test`.

Either makes a virtual environment in `.venv` and installs what is needed; nothing but Python and
its standard library has to be there before.
"""

import argparse
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if sys.platform == "win32" else "bin")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PYTHON = (3, 11)


def run(*command: str | Path) -> None:
    """Run a command in the project's root; its failure ends this script with its status."""
    print("$", *command, flush=True)
    status = subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode
    if status:
        sys.exit(status)


def install(requirements: str) -> None:
    """Make the virtual environment and install a requirements file, unless that is done."""
    wanted = "".join(path.read_text() for path in sorted(ROOT.glob("requirements*.txt")))
    stamp = VENV / f"installed-{requirements}"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if not BIN.exists():
        venv.create(VENV, with_pip=True)
    run(BIN / "python", "-m", "pip", "install", "--quiet", "-r", requirements)
    stamp.write_text(wanted)


def install_browser() -> None:
    """Find a Chromium, or install one by Playwright, or by the system's package manager."""
    if any(shutil.which(name) for name in BROWSERS):
        return
    playwright = [str(BIN / "python"), "-m", "playwright", "install", "--with-deps", "chromium"]
    if subprocess.run(playwright, cwd=ROOT, check=False).returncode == 0:
        return
    if shutil.which("apt-get"):
        run("apt-get", "update", "-qq")
        run("apt-get", "install", "-y", "-qq", "chromium")
        return
    sys.exit("No browser: install Chromium, then run this again.")


def start() -> None:
    """Install what the app needs and open it."""
    install("requirements.txt")
    run(BIN / "python", "app.py")


def test() -> None:
    """Install what the tests need; lint, check types and run every test."""
    install("requirements-dev.txt")
    install_browser()
    run(BIN / "python", "-m", "ruff", "check", ".")
    run(BIN / "python", "-m", "ruff", "format", "--check", ".")
    run(BIN / "basedpyright")
    run(BIN / "python", "-m", "pytest")


def main() -> None:
    """Read the command line."""
    if sys.version_info < PYTHON:
        sys.exit("Iris MLP needs Python 3.11 or newer.")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("task", choices=("start", "test"))
    {"start": start, "test": test}[parser.parse_args().task]()


if __name__ == "__main__":
    main()
