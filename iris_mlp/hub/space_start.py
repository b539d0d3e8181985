"""Follow a Space from a commit until it runs.

Stages as huggingface_hub 2.4 lists them (`_space_api.py`), and SLEEPING, which the Hub gives too:
https://github.com/huggingface/huggingface.js/blob/main/packages/hub/src/types/public.ts
"""

import time
from collections import deque
from collections.abc import Iterator

from huggingface_hub import HfApi, SpaceRuntime

from iris_mlp.errors import HubError, SpaceError
from iris_mlp.hub.client import connect, find_token
from iris_mlp.hub.failures import explain_failures

POLL_S = 3.0
WAIT_S = 30 * 60.0
GRACE_S = 60.0
"""So long the Hub may take to notice a commit, and a sleeping Space to wake for it."""
LOG_LINES = 20
MOST_FAILED_POLLS = 5

_RUNNING = "RUNNING"
_PASSING = ("BUILDING", "RUNNING_BUILDING", "APP_STARTING", "RUNNING_APP_STARTING")


def follow(space_id: str, commit: str, token: str | None = None) -> Iterator[SpaceRuntime]:
    """Yield what the Hub says of a Space at each new stage, until the commit runs there.

    Args:
        space_id: The Space's full name.
        commit: What shall run; what the Hub says of an older one is passed over.
        token: A visitor's token; left out, the stored login of this machine's user.

    Raises:
        SpaceError: It ended otherwise, or takes longer than `WAIT_S`.
        HubError: The Hub cannot be asked, several times in a row.
    """
    api, started_s = connect(find_token(token)), time.monotonic()
    stage, failed, has_moved = "", 0, False
    while (waited_s := time.monotonic() - started_s) < WAIT_S:
        try:
            with explain_failures(space_id, "space", api):
                runtime = api.get_space_runtime(space_id)
        except HubError:
            failed += 1
            if failed == MOST_FAILED_POLLS:
                raise
        else:
            failed = 0
            if runtime.stage != stage:
                stage = str(runtime.stage)
                yield runtime
            has_moved = has_moved or stage in _PASSING
            is_of_commit = has_moved or runtime.raw.get("sha", commit) == commit
            if stage == _RUNNING and is_of_commit:
                return
            if is_of_commit or waited_s > GRACE_S:
                end = _explain_end(stage, space_id)
                if end is not None:
                    end.log = _read_log(api, space_id, runtime)
                    raise end
        time.sleep(POLL_S)
    raise SpaceError(
        "The Space {space_id} does not run after {minutes:.0f} minutes (stage {stage}); "
        "its page on the Hub says more.",
        space_id=space_id,
        minutes=WAIT_S / 60,
        stage=stage or "unknown",
    )


def _explain_end(stage: str, space_id: str) -> SpaceError | None:
    """Return the sentence of a stage that no other follows by itself."""
    match stage:
        case "NO_APP_FILE":
            return SpaceError(
                "The Space {space_id} has no app.py; deploy again.", space_id=space_id
            )
        case "CONFIG_ERROR":
            return SpaceError(
                "The Hub refuses the front matter of the README of {space_id}; mend it, then "
                "deploy again.",
                space_id=space_id,
            )
        case "BUILD_ERROR":
            return SpaceError(
                "The Space {space_id} could not be built; the end of the build's log says why.",
                space_id=space_id,
            )
        case "RUNTIME_ERROR":
            return SpaceError(
                "The app on the Space {space_id} has ended; the end of its log says why.",
                space_id=space_id,
            )
        case "SLEEPING":
            return SpaceError(
                "The Space {space_id} is asleep; it wakes when somebody opens it.",
                space_id=space_id,
            )
        case "PAUSED" | "STOPPED":
            return SpaceError(
                "The Space {space_id} is paused; restart it in its settings.", space_id=space_id
            )
        case "DELETING":
            return SpaceError("The Space {space_id} is being deleted.", space_id=space_id)
    return None


def _read_log(api: HfApi, space_id: str, runtime: SpaceRuntime) -> list[str]:
    """Return the end of the log that tells of a failure, and the Hub's own words."""
    lines: deque[str] = deque(maxlen=LOG_LINES)
    if runtime.stage in ("BUILD_ERROR", "RUNTIME_ERROR"):
        is_build = runtime.stage == "BUILD_ERROR"
        try:
            with explain_failures(space_id, "space", api):
                for text in api.fetch_space_logs(space_id, build=is_build):
                    lines.extend(text.splitlines())
        except HubError as error:
            lines.append(str(error))
    return [*lines, *str(runtime.raw.get("errorMessage") or "").splitlines()]
