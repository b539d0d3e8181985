import gradio as gr
import pytest

from iris_mlp.ui.callers import ADDRESS, Presence
from iris_mlp.ui.sessions import GRACE_S, RETURN_S, Sessions


@pytest.fixture
def presence() -> Presence:
    return Presence()


def make_sessions(presence: Presence, busy: tuple[str, ...] = ()) -> Sessions:
    sessions = Sessions(presence, lambda: busy)
    with gr.Blocks() as page:
        state, button = gr.State(), gr.Button()
        button.click(lambda kept: None, state, None, api_visibility="private")
        page.load(lambda: None, None, state, api_visibility="private")
        gr.on([], lambda: None, None, None, api_name="public")
    page.state_session_capacity = 4
    sessions.set_blocks(page)
    return sessions


def pass_time(sessions: Sessions, seconds: float) -> None:
    for state in sessions.session_data.values():
        state.used_at -= seconds  # type: ignore[attr-defined]
    sessions.delete_all_expired_state()


def test_what_no_page_holds_open_is_soon_dropped(presence: Presence):
    sessions = make_sessions(presence, busy=("waits",))
    for name in ("stranger", "waits", "page"):
        sessions[name]
    presence.attending["page"] += 1
    pass_time(sessions, GRACE_S + 1)
    assert set(sessions.session_data) == {"waits", "page"}


def test_a_closed_page_may_come_back_for_an_hour(presence: Presence):
    sessions = make_sessions(presence)
    sessions["page"]
    presence.attending["page"] += 1
    pass_time(sessions, 0)
    del presence.attending["page"]
    pass_time(sessions, GRACE_S + 1)
    assert "page" in sessions
    pass_time(sessions, RETURN_S)
    assert "page" not in sessions


def test_the_address_with_most_sessions_gives_room(presence: Presence):
    sessions = make_sessions(presence, busy=("greedy0",))
    ADDRESS.set("honest")
    sessions["old"]
    ADDRESS.set("greedy")
    for n in range(20):
        sessions[f"greedy{n}"]
    assert set(sessions.session_data) == {"old", "greedy0", "greedy18", "greedy19"}
    ADDRESS.set("")


def test_only_a_pages_own_call_can_have_lost_its_state(presence: Presence):
    sessions = make_sessions(presence)
    click, load, public = sessions.blocks.fns
    assert sessions.has_lost({"session_hash": "gone", "fn_index": click})
    assert not sessions.has_lost({"session_hash": "new", "fn_index": load})
    assert not sessions.has_lost({"session_hash": "script", "fn_index": public})
    sessions["here"]
    assert not sessions.has_lost({"session_hash": "here", "fn_index": click})
    for call in ({}, {"fn_index": [], "session_hash": "x"}, {"fn_index": 99, "session_hash": "x"}):
        assert not sessions.has_lost(call)


def test_a_state_keeps_no_copy_of_what_a_caller_sends(presence: Presence):
    state = make_sessions(presence)["x"]
    key = next(iter(state.blocks_config.blocks))
    state._update_value_in_config(key, "x" * 1000)
    assert "x" * 1000 not in str(list(state.components))
