"""The state of open pages; Gradio keeps one for whoever names a session, and drops the oldest."""

from collections import Counter
from collections.abc import Callable, Collection
from time import monotonic
from typing import Any

from gradio.state_holder import SessionState, StateHolder

from iris_mlp.ui.callers import ADDRESS, Presence

MOST_SESSIONS = 512
"""Pages whose state is kept."""
GRACE_S = 15.0
"""A page says within it that it is open; what never says so is a script's."""
RETURN_S = 3600.0
"""How long a page that was closed, or whose phone sleeps, may come back to its state."""


class PageState(SessionState):
    """What a page has made, without a copy of all that it shows, which serves deep links alone."""

    def __init__(self, blocks: Any) -> None:
        super().__init__(blocks)
        self.address = ADDRESS.get()
        self.used_at = monotonic()
        self.was_open = False

    # `config_values` stays as it was made once: there are no deep links.
    def _update_config(self, key: int) -> None: ...

    def _update_value_in_config(self, key: int, value: Any) -> None: ...


class Sessions(StateHolder):
    """Keep a page's state as long as the page is open or its call goes on.

    Where there are too many, the network address that has the most gives up its oldest.

    Args:
        presence: Which pages are open.
        list_busy: Returns the sessions whose calls wait or go on.
    """

    def __init__(self, presence: Presence, list_busy: Callable[[], Collection[str]]) -> None:
        super().__init__()
        self._presence = presence
        self._list_busy = list_busy

    def __getitem__(self, session_id: str) -> SessionState:
        """Return the state of a session, which is made where there is none."""
        with self.lock:
            state = self.session_data.get(session_id)
            if state is None:
                state = self.session_data[session_id] = PageState(self.blocks)
                self._make_room(session_id)
            state.used_at = monotonic()  # type: ignore[attr-defined]
            self.session_data.move_to_end(session_id)
            return state

    def has_lost(self, call: dict[str, Any]) -> bool:
        """Tell whether a page asks that must have had a state, and whose state is gone.

        A page is first heard of when it loads; a script calls named endpoints, which need none.
        """
        session, number = call.get("session_hash"), call.get("fn_index")
        if not isinstance(session, str) or not isinstance(number, int):
            return False
        fn = self.blocks.fns.get(number)
        if fn is None or session in self.session_data:
            return False
        return fn.api_visibility == "private" and all(event != "load" for _, event in fn.targets)

    def delete_all_expired_state(self) -> None:
        """Drop what no page and no call needs any more; Gradio calls this once a second."""
        now, busy = monotonic(), set(self._list_busy())
        with self.lock:
            for session_id, state in list(self.session_data.items()):
                if session_id in self._presence.attending:
                    state.was_open, state.used_at = True, now  # type: ignore[attr-defined]
                    continue
                kept_s = RETURN_S if state.was_open else GRACE_S  # type: ignore[attr-defined]
                if session_id not in busy and now - state.used_at > kept_s:  # type: ignore[attr-defined]
                    del self.session_data[session_id]

    def _make_room(self, newest: str) -> None:
        while len(self.session_data) > self.capacity:
            busy = {newest, *self._list_busy()}
            counts = Counter(state.address for state in self.session_data.values())  # type: ignore[attr-defined]
            idle = [name for name in self.session_data if name not in busy]
            if not idle:
                return
            # Of equals the first, which is the one not used for longest.
            del self.session_data[
                max(
                    idle,
                    key=lambda name: (
                        counts[self.session_data[name].address],  # type: ignore[attr-defined]
                        name not in self._presence.attending,
                    ),
                )
            ]
