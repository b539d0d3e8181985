"""What a Space is told, and what it installs, held against the project itself."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib.metadata import version
from pathlib import Path

import yaml

import dev

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


def read_pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    pins = [line.split(";")[0].strip() for line in lines if not line.startswith("-r")]
    return dict(pin.split("==") for pin in pins)


def test_the_front_matter_has_only_documented_keys_and_values():
    front = read_front_matter()
    assert set(front) <= DOCUMENTED
    assert {front["colorFrom"], front["colorTo"]} <= COLORS
    assert front["sdk"] == "gradio"
    assert len(front["short_description"]) <= 60
    assert (ROOT / front["app_file"]).is_file()
    assert front["license"] == "mit"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")


def test_the_versions_of_the_space_are_those_that_are_tested():
    front = read_front_matter()
    assert front["sdk_version"] == version("gradio") == read_pins("requirements.txt")["gradio"]
    assert front["python_version"] == ".".join(map(str, dev.PYTHON))


def test_what_is_installed_is_what_is_pinned():
    for name, wanted in (read_pins("requirements.txt") | read_pins("requirements-dev.txt")).items():
        if name != "triton" or sys.platform == "linux":
            assert version(name).split("+")[0] == wanted, name


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
    # These come with others and are used where those are: PIL, starlette and gradio_client with
    # Gradio; httpx2 and yaml with huggingface_hub; llvmlite with Numba; triton with CUDA's torch.
    brought = {"pillow", "starlette", "gradio_client", "httpx2", "yaml", "llvmlite", "triton"}
    brought |= {"jinja2"}  # with Gradio
    brought |= {"spaces"}  # on ZeroGPU alone, where the Space has it
    pinned = set(read_pins("requirements.txt"))
    assert {names.get(name, name) for name in third_party} - brought <= pinned


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
