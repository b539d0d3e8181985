"""What a Space is told, and what it installs, held against the project itself."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Callable
from graphlib import TopologicalSorter
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import dev
import iris_mlp
from iris_mlp.checkpoint import SHIPPED_WEIGHTS
from iris_mlp.hub.deploy import list_package_files, list_space_files
from tests.lesson import run_lesson

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")

# https://huggingface.co/docs/hub/spaces-config-reference
DOCUMENTED = {
    *("title", "emoji", "colorFrom", "colorTo", "sdk", "python_version", "sdk_version"),
    *("suggested_hardware", "suggested_storage", "app_file", "app_build_command", "app_port"),
    *("base_path", "fullWidth", "header", "short_description", "models", "datasets", "tags"),
    *("thumbnail", "pinned", "hf_oauth", "hf_oauth_scopes", "hf_oauth_expiration_minutes"),
    *("hf_oauth_authorized_org", "disable_embedding", "startup_duration_timeout"),
    *("custom_headers", "preload_from_hub", "license"),
}
COLORS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


def read_front_matter() -> dict:
    return yaml.safe_load(README.split("---\n")[1])


def read_project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def read_requirements(name: str) -> dict[str, Requirement]:
    """Return what a file asks for on this machine, by name; hashes stand in lines of their own."""
    lines = (line.split("#")[0].strip(" \\") for line in (ROOT / name).read_text().splitlines())
    found = map(Requirement, (line for line in lines if line and not line.startswith("--hash")))
    here = (need for need in found if not need.marker or need.marker.evaluate())
    return {canonicalize_name(requirement.name): requirement for requirement in here}


def read_pins(name: str) -> dict[str, str]:
    """Return the exact versions of a file in which every version is exact."""
    pins = {}
    for package, requirement in read_requirements(name).items():
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", f"{package} is not pinned in {name}"
        pins[package] = specifier.version
    return pins


def test_the_front_matter_has_only_documented_keys_and_values():
    front = read_front_matter()
    assert set(front) <= DOCUMENTED
    assert {front["colorFrom"], front["colorTo"]} <= COLORS
    assert front["sdk"] == "gradio"
    assert len(front["short_description"]) <= 60
    assert (ROOT / front["app_file"]).is_file()
    assert front["license"] == "mit"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")


def test_the_space_runs_what_is_tested():
    front = read_front_matter()
    assert front["sdk_version"] == version("gradio") == read_pins("constraints.txt")["gradio"]
    assert front["python_version"] == dev.ZEROGPU[0]
    assert front["suggested_hardware"] == "zero-a10g"
    # https://huggingface.co/docs/hub/spaces-zerogpu, "Supported versions", August 2026
    torch = read_requirements("requirements.txt")["torch"]
    assert all(torch.specifier.contains(v) for v in ("2.8.0", "2.9.1", "2.10.0", "2.11.0"))
    assert (ROOT / front["thumbnail"].partition("/resolve/main/")[2]).is_file()


def test_what_is_installed_fits_what_is_asked_for():
    for name, requirement in read_requirements("requirements.txt").items():
        assert requirement.specifier.contains(version(name)), name


def test_the_exact_versions_are_within_what_is_asked_for():
    pins = read_pins("constraints.txt")
    for name, requirement in read_requirements("requirements.txt").items():
        assert requirement.specifier.contains(pins[name]), name
    assert {canonicalize_name(Requirement(tool).name) for tool in dev.list_test_tools()} <= set(
        pins
    )


def test_the_lock_holds_all_that_a_space_installs_each_with_its_hashes():
    text = (ROOT / "requirements.lock").read_text()
    for entry in re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry
    pins, exact = read_pins("requirements.lock"), read_pins("constraints.txt")
    for name, requirement in read_requirements("requirements.txt").items():
        assert requirement.specifier.contains(pins[name]), name
    assert {name: exact[name] for name in exact.keys() & pins.keys()}.items() <= pins.items()
    assert "spaces" in pins
    # What these need on this machine, and what that needs in turn.
    waiting = [*read_requirements("requirements.txt"), "authlib", "itsdangerous", "mcp"]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        assert name in pins, name
        seen.add(name)
        needs = map(Requirement, distribution(name).requires or ())
        here = {canonicalize_name(n.name) for n in needs if not n.marker or n.marker.evaluate()}
        waiting += here - seen


def test_every_module_is_of_the_oldest_python_that_is_promised():
    oldest = read_project()["requires-python"].removeprefix(">=")
    assert tuple(map(int, oldest.split("."))) == dev.PYTHON
    for path in [ROOT / "app.py", ROOT / "dev.py", *(ROOT / "iris_mlp").rglob("*.py")]:
        ast.parse(path.read_text("utf-8"), feature_version=dev.PYTHON)


def test_each_import_of_the_app_is_pinned_for_the_space():
    imported: set[str] = set()
    for path in [ROOT / "app.py", *(ROOT / "iris_mlp").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
    third_party = imported - set(sys.stdlib_module_names) - {"iris_mlp", "benchmarks"}
    names = {"sklearn": "scikit-learn", "pynvml": "nvidia-ml-py", "PIL": "pillow"}
    # These come with others and are used where those are: PIL, starlette, gradio_client, jinja2,
    # markupsafe and pygments with Gradio; httpx2 and yaml with huggingface_hub; llvmlite with
    # Numba; triton with CUDA's torch.
    brought = {"pillow", "starlette", "gradio-client", "httpx2", "yaml", "llvmlite", "triton"}
    brought |= {"jinja2", "markupsafe", "pygments"}
    brought |= {"spaces"}  # on ZeroGPU alone, where the Space has it
    brought |= {"distributed", "pyarrow"}  # for sweeps, by the extras cluster and parquet
    pinned = set(read_requirements("requirements.txt"))
    needed = {canonicalize_name(names.get(name, name)) for name in third_party}
    assert needed - brought <= pinned


def list_imports(path: Path) -> set[str]:
    return {
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def test_no_module_imports_itself_by_way_of_others():
    """Imports within functions count: they would only hide a circle."""
    paths = {path.with_suffix(""): path for path in (ROOT / "iris_mlp").rglob("*.py")}
    files = {".".join(stem.relative_to(ROOT).parts): path for stem, path in paths.items()}
    modules = {name.removesuffix(".__init__"): path for name, path in files.items()}
    imports = {
        module: {
            found if found in modules else found.rpartition(".")[0] for found in list_imports(path)
        }
        for module, path in modules.items()
    }
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle


def test_the_network_alone_loads_nothing_of_the_hub():
    code = "import sys, iris_mlp.model; print('huggingface_hub' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_tabs_never_import_each_other_and_share_components_alone():
    ui = ROOT / "iris_mlp" / "ui"
    tabs = {path.parent.name for path in ui.glob("*/tab.py")}
    assert len(tabs) == 6
    for folder in {*tabs, "components"}:
        others = tuple(f"iris_mlp.ui.{other}." for other in tabs - {folder})
        for path in (ui / folder).glob("*.py"):
            found = [name for name in list_imports(path) if name.startswith(others)]
            assert not found, f"{path.relative_to(ROOT)} imports {found}"


def test_the_page_imports_nothing_of_the_command_line():
    for path in (ROOT / "iris_mlp" / "ui").rglob("*.py"):
        found = [n for n in list_imports(path) if re.match(r"iris_mlp\.(__main__|\w*cli)\b", n)]
        assert not found, f"{path.relative_to(ROOT)} imports {found}"


def test_app_file_is_short():
    assert len((ROOT / "app.py").read_text().splitlines()) <= 40


def test_importing_the_app_loads_nothing_that_only_some_visitors_need():
    code = "import sys, app; print([m for m in ('sklearn', 'matplotlib', 'numba', 'triton') "
    code += "if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_every_file_that_the_readme_shows_is_there():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).is_file(), target


# --- the package, installed ----------------------------------------------------------------------

Installed = Callable[..., str]


def run(*command: object, **options: Any) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that pip builds from a git repository with the files of a Space."""
    folder = tmp_path_factory.mktemp("space")
    for name in list_space_files(ROOT):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    git = ("git", "-C", folder, "-c", "user.name=ada", "-c", "user.email=ada@localhost")
    run(*git, "init", "--quiet")
    run(*git, "add", ".")
    run(*git, "commit", "--quiet", "--message", "Deploy")
    wheels = tmp_path_factory.mktemp("wheels")
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation")
    run(*pip, "--wheel-dir", wheels, f"git+{folder.as_uri()}")
    return next(wheels.iterdir())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A command of an environment that holds the wheel and, by a link, what the wheel needs."""
    environment, home = tmp_path_factory.mktemp("environment"), tmp_path_factory.mktemp("home")
    venv.create(environment)
    python = dev.find_python(environment)
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", wheel)
    paths = sysconfig.get_paths(vars={"base": str(environment), "platbase": str(environment)})
    needed = Path(paths["purelib"], "needed.pth")
    needed.write_text(sysconfig.get_paths()["purelib"])
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    variables |= {name: str(home) for name in ("HOME", "APPDATA", "XDG_CONFIG_HOME")}
    return lambda command, *arguments: run(
        python.with_name(command), *arguments, cwd=home, env=variables
    )


def test_the_wheel_holds_every_file_of_the_package_and_the_shipped_weights(wheel: Path):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == {*list_package_files(ROOT), "iris_mlp/weights/iris_mlp.safetensors"}
    assert wheel.name.startswith(f"iris_mlp-{iris_mlp.__version__}-py3-none-any")


def test_the_installed_command_trains_classifies_and_reads_the_hardware(installed: Installed):
    training = ("train", "--device", "cpu", "--epochs", "100", "--json")
    summary = json.loads(installed("iris-mlp", *training))
    assert summary["final_loss"] == pytest.approx(run_lesson(epochs=100).losses[-1], abs=1e-6)
    assert installed("iris-mlp", "classify", "5.1", "3.5", "1.4", "0.2").startswith("setosa")
    assert json.loads(installed("iris-mlp", "hardware", "--json"))["cpu"]
    catalogued = installed("iris-mlp", "hardware", "--decode", "RTX 4070", "--json")
    assert json.loads(catalogued)["architecture"] == "Ada Lovelace"


def test_the_installed_page_keeps_a_visitors_last_run_in_the_users_folder(installed: Installed):
    code = """
from pathlib import Path
from iris_mlp.checkpoint import LAST_RUN_WEIGHTS, SHIPPED_WEIGHTS, Checkpoint
from iris_mlp.ui.train.shown import keep_last_run
keep_last_run(Checkpoint.load(SHIPPED_WEIGHTS), str)
assert LAST_RUN_WEIGHTS.is_relative_to(Path.home())
print(LAST_RUN_WEIGHTS.read_bytes().hex())
"""
    assert bytes.fromhex(installed("python", "-c", code)) == SHIPPED_WEIGHTS.read_bytes()
