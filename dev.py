"""One command for the app, one for the tests: `python dev.py start`, `python dev.py test`.

Either makes a virtual environment in `.venv` and installs what is needed; nothing but Python and
its standard library has to be there before.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
FOLDER_OF_COMMANDS = "Scripts" if sys.platform == "win32" else "bin"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PYTHON = (3, 11)
CONSTRAINTS = ROOT / "constraints.txt"
PYTORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
"""PyTorch's own, as https://pytorch.org/get-started/locally names it."""
ZEROGPU = ("3.12", "torch==2.11.0")
"""Python and PyTorch of a ZeroGPU Space: https://huggingface.co/docs/hub/spaces-zerogpu"""


def run(*command: str | Path) -> None:
    """Run a command in the project's root; its failure ends this script with its status."""
    print("$", *command, flush=True)
    status = subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode
    if status:
        sys.exit(status)


def find_python(environment: Path = VENV) -> Path:
    """Return the path of an environment's interpreter."""
    return environment / FOLDER_OF_COMMANDS / "python"


def pip_install(
    *wanted: str | Path, python: Path | None = None, constraints: Path = CONSTRAINTS
) -> None:
    """Install into an environment, in the versions with which the tests run."""
    command = (python or find_python(), "-m", "pip", "install", "--quiet", "-c", constraints)
    run(*command, *wanted)


def list_test_tools() -> list[str]:
    """Return what the extra `test` of the package asks for."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return project["optional-dependencies"]["test"]


def install(task: str, *tools: str, cpu: bool = False) -> None:
    """Make the virtual environment and install what a task needs, unless that is done."""
    requirements = ROOT / "requirements.txt"
    wanted = "\n".join([requirements.read_text(), CONSTRAINTS.read_text(), *tools])
    stamp = VENV / f"installed-{task}"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if not find_python().exists():
        venv.create(VENV, with_pip=True)
    if cpu:
        pip_install("torch", "--index-url", PYTORCH_CPU_INDEX)
    elif fetches_cuda_in_vain():
        print(
            "There is no NVIDIA driver here: python dev.py start --cpu installs PyTorch's CPU "
            "build, 0.2 GB to fetch instead of some 3.",
            flush=True,
        )
    pip_install("-r", requirements, *tools)
    stamp.write_text(wanted)


def fetches_cuda_in_vain() -> bool:
    """Tell whether pip would fetch PyTorch with CUDA, as on Linux, for a machine without it."""
    if sys.platform != "linux" or shutil.which("nvidia-smi"):
        return False
    command = (str(find_python()), "-c", "import torch")
    return subprocess.run(command, capture_output=True, check=False).returncode != 0


def install_browser() -> None:
    """Find a Chromium, or install one by Playwright, or by the system's package manager."""
    if any(shutil.which(name) for name in BROWSERS):
        return
    playwright = [str(find_python()), "-m", "playwright", "install", "--with-deps", "chromium"]
    if subprocess.run(playwright, cwd=ROOT, check=False).returncode == 0:
        return
    if shutil.which("apt-get"):
        run("apt-get", "update", "-qq")
        run("apt-get", "install", "-y", "-qq", "chromium")
        return
    sys.exit("No browser: install Chromium, then run this again.")


def start(arguments: argparse.Namespace) -> None:
    """Install what the app needs and open it."""
    install("start", cpu=arguments.cpu)
    run(find_python(), "app.py")


def test(arguments: argparse.Namespace) -> None:
    """Lint, check types and run the tests; all of them, or those without a browser."""
    install("test", *list_test_tools())
    run(find_python(), "-m", "ruff", "check", ".")
    run(find_python(), "-m", "ruff", "format", "--check", ".")
    run(find_python().with_name("basedpyright"))
    if arguments.fast:
        run(find_python(), "-m", "pytest", "tests/unit", "tests/ui")
    else:
        install_browser()
        run(find_python(), "-m", "pytest")


def matrix(arguments: argparse.Namespace) -> None:
    """Run the unit tests with another Python and PyTorch, in an environment that goes again."""
    with tempfile.TemporaryDirectory(prefix="iris-mlp-") as folder:
        environment, constraints = Path(folder, "environment"), Path(folder, "constraints.txt")
        pins = CONSTRAINTS.read_text().splitlines()
        kept = [pin for pin in pins if not pin.startswith(("torch==", "triton=="))]
        constraints.write_text("\n".join([*kept, arguments.torch]))
        run(arguments.python, "-m", "venv", environment)
        python = find_python(environment)
        tools = ("-r", ROOT / "requirements.txt", *list_test_tools())
        pip_install(*tools, python=python, constraints=constraints)
        run(python, "-m", "pip", "list")
        run(python, "-m", "pytest", "tests/unit", *arguments.pytest)


def lock(arguments: argparse.Namespace) -> None:
    """Renew `requirements.lock`: all that a Space installs, with hashes."""
    pip_install("uv")
    # A Space adds Gradio's extras `mcp` and `oauth`, and `spaces`.
    command = (find_python(), "-m", "uv", "pip", "compile", "pyproject.toml", "-")
    options = ("--extra", "mcp", "--extra", "oauth", "--universal", "--generate-hashes")
    pins = ("--upgrade", "-c", CONSTRAINTS.name, "--python-version", ".".join(map(str, PYTHON)))
    named = ("--quiet", "--custom-compile-command", "python dev.py lock", "-o", "requirements.lock")
    done = subprocess.run(
        [*map(str, command), *options, *pins, *named], cwd=ROOT, input="spaces", text=True
    )
    sys.exit(done.returncode)


def main() -> None:
    """Read the command line."""
    if sys.version_info < PYTHON:
        sys.exit("Iris MLP needs Python 3.11 or newer.")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    tasks = parser.add_subparsers(required=True)
    for task in (start, test, matrix, lock):
        command = tasks.add_parser(task.__name__, help=task.__doc__, description=task.__doc__)
        command.set_defaults(task=task)
        if task is start:
            command.add_argument("--cpu", action="store_true", help="fetch PyTorch's CPU build")
        if task is test:
            command.add_argument("--fast", action="store_true", help="no browser tests")
        if task is matrix:
            python, torch = ZEROGPU
            command.add_argument("--python", default=f"python{python}", help="its interpreter")
            command.add_argument("--torch", default=torch, help="its PyTorch, as pip names it")
            command.add_argument("pytest", nargs="*", help="arguments of pytest, after --")
    arguments = parser.parse_args()
    arguments.task(arguments)


if __name__ == "__main__":
    main()
