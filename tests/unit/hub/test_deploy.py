"""The app on a Space: the files that go there, its hardware, and its start, stage by stage."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from iris_mlp.cli.deploy import deploy as deploy_command
from iris_mlp.errors import HubError, SpaceError
from iris_mlp.hub import space_start
from iris_mlp.hub.deploy import deploy, list_package_files
from iris_mlp.hub.space_start import follow
from tests.hub_standin import WRITE_TOKEN, HubStandin, Repo

PROJECT = Path(__file__).parents[3]

FRONT_MATTER = "---\ntitle: Iris\nsdk: gradio\nhf_oauth: true\nsuggested_hardware: zero-a10g\n---\n"
README = FRONT_MATTER + 'Client("USER/SPACE")\n'
SPACE = "ada/iris-app"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with everything that must not go to a Space lying about in it."""
    root = tmp_path / "project"
    wanted = {
        "app.py": "app",
        "requirements.txt": "torch",
        "README.md": README,
        "LICENSE": "MIT",
        "weights/iris_mlp.safetensors": "weights",
        "iris_mlp/__init__.py": "",
        "iris_mlp/ui/layout.py": "",
        "iris_mlp/ui/flower.js": "",
        "pyproject.toml": "",
        "docs/train.png": "picture",
    }
    unwanted = [
        ".env",
        ".git/config",
        "weights/mine.safetensors",
        "tests/test_x.py",
        "requirements-dev.txt",
        "iris_mlp/__pycache__/x.cpython-311.pyc",
        "iris_mlp/engines/__pycache__/fused.nbi",
        "iris_mlp/.cache/x.py",
        "iris_mlp/ui/layout.py~",
    ]
    for name, text in {**wanted, **dict.fromkeys(unwanted, "no")}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


WANTED = {
    "app.py",
    "requirements.txt",
    "README.md",
    "LICENSE",
    "weights/iris_mlp.safetensors",
    "iris_mlp/__init__.py",
    "iris_mlp/ui/layout.py",
    "iris_mlp/ui/flower.js",
    "pyproject.toml",
    "docs/train.png",
}


def test_deploy_makes_a_space_of_exactly_the_files_it_needs(
    server: HubStandin, signed_in: None, project: Path
) -> None:
    deployed = deploy(SPACE, project)
    space = server.repos["space", SPACE]
    assert deployed.address == f"{server.endpoint}/spaces/{SPACE}"
    assert deployed.commit == space.sha
    assert set(space.files) == WANTED | {".gitattributes"}
    assert space.settings["sdk"] == "gradio"


def test_the_readme_on_a_space_names_that_space(
    server: HubStandin, signed_in: None, project: Path
) -> None:
    deploy("iris-app", project)
    text = server.repos["space", SPACE].files["README.md"].decode()
    assert text == FRONT_MATTER + 'Client("ada/iris-app")\n'


def test_a_new_space_asks_for_zerogpu_or_for_what_is_named(
    server: HubStandin, signed_in: None, project: Path
) -> None:
    deploy("ada/free", project)
    deploy("ada/paid", project, hardware="t4-small")
    assert server.repos["space", "ada/free"].settings["hardware"] == "zero-a10g"
    assert server.repos["space", "ada/paid"].settings["hardware"] == "t4-small"


@pytest.mark.parametrize("plan", ["pro", "free"])
def test_a_space_that_exists_keeps_its_hardware(
    server: HubStandin, signed_in: None, project: Path, plan: str
) -> None:
    deploy(SPACE, project, hardware="cpu-upgrade")
    server.plan = plan
    (project / "app.py").write_text("changed")
    deploy(SPACE, project, hardware="t4-small")
    space = server.repos["space", SPACE]
    assert (space.settings["hardware"], space.files["app.py"]) == ("cpu-upgrade", b"changed")


def test_deploy_again_takes_away_what_is_no_longer_needed(
    server: HubStandin, signed_in: None, project: Path
) -> None:
    deploy("ada/iris-app", project)
    (project / "iris_mlp/ui/flower.js").unlink()
    deploy("ada/iris-app", project)
    assert set(server.repos["space", "ada/iris-app"].files) == WANTED - {
        "iris_mlp/ui/flower.js"
    } | {".gitattributes"}


def test_deploy_spares_a_space_that_is_another_app(
    server: HubStandin, signed_in: None, project: Path
) -> None:
    files = {"README.md": b"", "app.py": b"precious"}
    server.repos["space", "ada/other"] = Repo(files=dict(files))
    with pytest.raises(HubError, match="holds another app"):
        deploy("ada/other", project)
    assert server.repos["space", "ada/other"].files == files


def test_deploy_names_the_file_that_is_missing(
    server: HubStandin, signed_in: None, project: Path
) -> None:
    (project / "LICENSE").unlink()
    with pytest.raises(HubError, match=r"LICENSE is missing"):
        deploy("ada/iris-app", project)
    assert server.requests == []


def test_deploy_names_front_matter_that_is_broken(
    server: HubStandin, signed_in: None, project: Path
) -> None:
    (project / "README.md").write_text("---\ntitle: [\n---\n")
    with pytest.raises(HubError, match="front matter"):
        deploy("ada/iris-app", project)


def host_two_on_zerogpu(server: HubStandin) -> None:
    server.plan = "free"
    for name in ("ada/one", "ada/two"):
        server.repos["space", name] = Repo(settings={"hardware": "zero-a10g"})


def open_account_yesterday(server: HubStandin) -> None:
    server.plan, server.account_age_days = "free", 1


def have_no_plan(server: HubStandin) -> None:
    server.plan = "free"


@pytest.mark.parametrize(
    ("prepare", "hardware", "sentence"),
    [
        (have_no_plan, "cpu-basic", "cpu-basic needs a paid plan; zero-a10g .* is free"),
        (host_two_on_zerogpu, None, r"limit of 2 ZeroGPU Spaces\); .* fewer than two other Spaces"),
        (open_account_yesterday, None, r"too recent .*\); .* an age of 30 days"),
        (have_no_plan, "t5", r"refuses .* 't5'\); known hardware: cpu-basic, .*zero-a10g"),
    ],
)
def test_hardware_that_is_refused_has_its_sentence(
    server: HubStandin,
    signed_in: None,
    project: Path,
    prepare: Callable[[HubStandin], None],
    hardware: str | None,
    sentence: str,
) -> None:
    prepare(server)
    with pytest.raises(HubError, match=sentence) as caught:
        deploy(SPACE, project, hardware=hardware)
    assert WRITE_TOKEN not in str(caught.value)
    assert ("space", SPACE) not in server.repos


def test_no_file_of_the_package_is_forgotten() -> None:
    # Gradio writes a .pyi beside a component of ours when it is imported.
    package = (p.relative_to(PROJECT) for p in (PROJECT / "iris_mlp").rglob("*") if p.is_file())
    here = {
        path.as_posix()
        for path in package
        if "__pycache__" not in path.parts and path.suffix != ".pyi" and path.name[0] != "."
    }
    listed = set(list_package_files(PROJECT))
    assert here == listed


# --- the start, stage by stage -------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again at once."""
    monkeypatch.setattr(space_start, "POLL_S", 0.001)


def run_deploy(*options: str) -> Result:
    return CliRunner().invoke(deploy_command, [SPACE, *options])


def list_stages(text: str) -> list[str]:
    return re.findall(r"^ +\d+ s  (\w+)", text, re.MULTILINE)


def test_deploy_follows_a_new_space_until_it_runs(
    server: HubStandin, signed_in: None, quick: None
) -> None:
    done = run_deploy()
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{server.endpoint}/spaces/{SPACE}\n"
    stages = ["NO_APP_FILE", "BUILDING", "APP_STARTING", "RUNNING"]
    assert list_stages(done.stderr) == stages
    assert "zero-a10g" in done.stderr


def test_deploy_follows_an_update_and_takes_the_old_app_for_none(
    server: HubStandin, signed_in: None, quick: None
) -> None:
    run_deploy()
    server.repos["space", SPACE].files["iris_mlp/old.py"] = b""
    server.stages_of_a_start = ["RUNNING", "RUNNING_BUILDING", "RUNNING_APP_STARTING", "RUNNING"]
    done = run_deploy()
    assert done.exit_code == 0, done.output
    updated = ["RUNNING", "RUNNING_BUILDING", "RUNNING_APP_STARTING", "RUNNING"]
    assert list_stages(done.stderr) == updated


def test_deploy_of_what_runs_already_ends_at_once(
    server: HubStandin, signed_in: None, quick: None
) -> None:
    run_deploy()
    done = run_deploy()
    assert (done.exit_code, list_stages(done.stderr)) == (0, ["RUNNING"])


def test_no_wait_leaves_after_the_upload(server: HubStandin, signed_in: None) -> None:
    done = run_deploy("--no-wait")
    assert done.stdout == f"{server.endpoint}/spaces/{SPACE}\n"
    assert not any(request.path.endswith("/runtime") for request in server.requests)


@pytest.mark.parametrize(
    ("stages", "sentence", "log"),
    [
        (["BUILDING", "BUILD_ERROR"], "could not be built", "build"),
        (["BUILDING", "APP_STARTING", "RUNTIME_ERROR"], "has ended", "run"),
        (["BUILDING", "CONFIG_ERROR"], "refuses the front matter", None),
        (["BUILDING", "NO_APP_FILE"], "has no app.py", None),
        (["BUILDING", "RUNNING_BUILDING", "PAUSED"], "is paused; restart it", None),
        (["BUILDING", "SLEEPING"], "is asleep; it wakes", None),
        (["BUILDING", "STOPPED"], "is paused; restart it", None),
        (["BUILDING", "DELETING"], "is being deleted", None),
    ],
)
def test_a_space_that_ends_otherwise_has_its_sentence_its_log_and_status_1(
    server: HubStandin,
    signed_in: None,
    quick: None,
    stages: list[str],
    sentence: str,
    log: str | None,
) -> None:
    server.stages_of_a_start = stages
    server.logs = {name: [f"{name} {line}\n" for line in range(100)] for name in ("build", "run")}
    done = run_deploy()
    *_, last = done.stderr.splitlines()
    assert done.exit_code == 1
    assert done.stdout == ""
    assert re.match(rf"error: .*{sentence}", last)
    assert last.endswith(f"/spaces/{SPACE}")
    assert list_stages(done.stderr)[1:] == stages
    lines = [f"  {log} {line}" for line in range(80, 100)] if log else []
    assert [line for line in done.stderr.splitlines() if re.match("  (build|run) ", line)] == lines
    assert WRITE_TOKEN not in done.output


def test_the_hubs_own_words_of_an_error_stand_at_the_end_of_the_log(
    server: HubStandin, signed_in: None, quick: None, project: Path
) -> None:
    server.stages_of_a_start = ["BUILDING", "RUNTIME_ERROR"]
    server.fail("logs/run", status=503)
    deployed = deploy(SPACE, project)
    server.repos["space", SPACE].error_message = "Exit code: 1. Reason: out of memory"
    with pytest.raises(SpaceError) as caught:
        list(follow(deployed.space_id, deployed.commit))
    problem, words = caught.value.log
    assert "status 503" in problem
    assert words == "Exit code: 1. Reason: out of memory"


def test_a_paused_space_that_no_commit_wakes_is_given_up_after_a_grace(
    server: HubStandin, signed_in: None, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_deploy()
    space = server.repos["space", SPACE]
    space.stages, space.files["iris_mlp/old.py"] = ["PAUSED"], b""
    monkeypatch.setattr(space_start, "GRACE_S", 0.05)
    done = run_deploy()
    assert (done.exit_code, list_stages(done.stderr)) == (1, ["PAUSED"])
    assert "is paused; restart it in its settings" in done.stderr


def test_a_space_that_takes_too_long_is_given_up_with_its_stage(
    server: HubStandin, signed_in: None, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space_start, "WAIT_S", 0.2)
    run_deploy("--no-wait")
    server.repos["space", SPACE].stages = ["BUILDING"]
    done = run_deploy()
    assert done.exit_code == 1
    assert re.search(r"does not run after .* minutes \(stage BUILDING\)", done.stderr)


def test_a_hub_that_fails_for_a_moment_is_asked_again_and_one_that_stays_away_is_named(
    server: HubStandin, signed_in: None, quick: None, project: Path
) -> None:
    deployed = deploy(SPACE, project)
    server.fail("runtime", status=502)
    with pytest.raises(HubError, match="status 502"):
        list(follow(deployed.space_id, deployed.commit))
    asked = [request for request in server.requests if request.path.endswith("/runtime")]
    assert len(asked) == space_start.MOST_FAILED_POLLS
    server.mend()
    server.fail("runtime", status=503, times=space_start.MOST_FAILED_POLLS - 1)
    stages = [runtime.stage for runtime in follow(deployed.space_id, deployed.commit)]
    assert stages == ["NO_APP_FILE", "BUILDING", "APP_STARTING", "RUNNING"]
