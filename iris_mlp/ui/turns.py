"""The queue of calls: Gradio's, with a turn for everyone.

Gradio's own queue is first come, first served, over all callers and all acts, and starts a call
although nobody waits for its answer. Here each lane (Gradio's `concurrency_id`) has its own cap;
in each, addresses take turns, and so do the visitors of one address; and of the long work a visitor
has one run at a time and a few that wait.
"""

import asyncio
import math
import random
from collections import Counter
from collections.abc import Iterable
from time import monotonic
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from gradio.blocks import Blocks
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Event, Queue
from gradio.route_utils import get_fn
from gradio.server_messages import ProcessCompletedMessage
from starlette.exceptions import HTTPException

from iris_mlp.errors import IrisMlpError
from iris_mlp.ui.callers import Presence, find_address, find_name, find_translator
from iris_mlp.ui.errors import translate_error
from iris_mlp.ui.run_button import LONG_WORK

MOST_OWN = 3
"""Runs of one visitor that wait while another goes on."""
MOST_OF_ADDRESS = 64
"""Calls of one address that wait in a lane: a class of thirty, each twice."""
MOST_IN_LANE = 256
UNHEARD_S = 30.0
"""A call that nobody has listened to for so long gives up its place."""
TYPICAL_S = 5.0
"""The lesson run, where nothing was measured yet."""


class Visitor(NamedTuple):
    """Who takes turns with whom.

    Attributes:
        address: Network address, which many may share.
        name: Of a signed-in visitor the name, else the session; of scripts without one nothing.
    """

    address: str
    name: str


class BusyError(IrisMlpError):
    """There is no place in the queue; the text says how long it may take."""


class Turns(Queue):
    """Gradio's queue of a page, with turns.

    Args:
        blocks: The page.
        presence: Who listens to answers.

    Attributes:
        loop: Where it works, once the server runs; all but the counts belongs to its thread.
        is_closing: Whether new calls are refused, since the server ends.
    """

    def __init__(self, blocks: Blocks, presence: Presence) -> None:
        super().__init__(
            live_updates=True,
            concurrency_count=blocks.max_threads,
            update_intervals=1,
            max_size=None,
            blocks=blocks,
        )
        self._presence = presence
        self._visitors: WeakKeyDictionary[Event, Visitor] = WeakKeyDictionary()
        self._heard_at: WeakKeyDictionary[Event, float] = WeakKeyDictionary()
        self.loop: asyncio.AbstractEventLoop
        self.is_closing = False

    async def push(
        self, body: PredictBodyInternal, request: Any, username: str | None
    ) -> tuple[bool, Any, Any]:
        """Give a call its place in line.

        Raises:
            HTTPException: There is none, which the visitor is told with the wait.
        """
        name = find_name(request.scope) or body.session_hash or ""
        visitor = Visitor(find_address(request.scope), name)
        lane = get_fn(self.blocks, None, body).concurrency_id
        if refusal := self._refuse(visitor, lane):
            sentence = translate_error(refusal, find_translator(request.scope))
            raise HTTPException(429, sentence)
        is_in, answer, why = await super().push(body, request, username)
        event = self.event_ids_to_events.get(str(answer)) if is_in else None
        if event is not None:
            self._visitors[event], self._heard_at[event] = visitor, monotonic()
            self._arrange(lane)
            self.broadcast_estimations(lane)
        return is_in, answer, why

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """Return the next call of a lane that has a free place."""
        lanes = list(self.event_queue_per_concurrency_id.items())
        random.shuffle(lanes)
        for name, lane in lanes:
            limit = lane.concurrency_limit
            if lane.queue and (limit is None or lane.current_concurrency < limit):
                busy = {self._who(event) for event in self._list_running(name)}
                for event in lane.queue:
                    if name != LONG_WORK or (
                        self._who(event) not in busy and self._is_heard(event)
                    ):
                        lane.queue.remove(event)
                        return [event], False, name
        return None

    def list_busy(self) -> set[str]:
        """Return the sessions whose calls wait or go on."""
        return {event.session_hash for event in list(self.event_ids_to_events.values())}

    def drop_unheard(self) -> None:
        """Take out calls of long work whose callers are gone."""
        lane = self.event_queue_per_concurrency_id.get(LONG_WORK)
        for event in list(lane.queue) if lane else ():
            if self._is_heard(event):
                self._heard_at[event] = monotonic()
            elif monotonic() - self._heard_at.get(event, 0.0) > UNHEARD_S:
                lane.queue.remove(event)  # type: ignore[union-attr]
                self._forget(event)

    def turn_away(self) -> None:
        """Tell all who wait that the server ends, and take no more calls."""
        self.is_closing = True
        for lane in self.event_queue_per_concurrency_id.values():
            for event in lane.queue:
                sentence = translate_error(CLOSING, find_translator(event.request.scope))
                self.send_message(
                    event, ProcessCompletedMessage(output={"error": sentence}, success=False)
                )
            lane.queue.clear()

    def count_running(self) -> int:
        """Return how many runs of long work go on."""
        return len(self._list_running(LONG_WORK))

    def has_listeners(self) -> bool:
        """Tell whether answers are still on their way."""
        return bool(self._presence.listening)

    def _list_running(self, lane: str) -> list[Event]:
        jobs = (event for job in self.active_jobs for event in job or ())
        return [event for event in jobs if event.concurrency_id == lane]

    def _who(self, event: Event) -> Visitor:
        return self._visitors.get(event, Visitor("", ""))

    def _is_heard(self, event: Event) -> bool:
        """Tell whether a stream is open that carries the answer: of the session, or of a call."""
        calls = self.pending_event_ids_session.get(event.session_hash, ())
        listening = self._presence.listening.keys()
        return event.session_hash in listening or not listening.isdisjoint(calls)

    def _refuse(self, visitor: Visitor, lane: str) -> IrisMlpError | None:
        if self.is_closing:
            return CLOSING
        queue = self.event_queue_per_concurrency_id.get(lane)
        waiting = queue.queue if queue else []
        visitors = [self._who(event) for event in waiting]
        wait = {"wait_s": self._estimate_wait_s(waiting, lane)}
        own = visitors.count(visitor)
        if lane == LONG_WORK and own >= MOST_OWN:
            return BusyError(
                "{own} runs of yours are waiting already; wait for one to end "
                "(about {wait_s} s), or stop one.",
                own=own,
                **wait,
            )
        of_address = sum(other.address == visitor.address for other in visitors)
        if of_address >= MOST_OF_ADDRESS or len(waiting) >= MOST_IN_LANE:
            return BusyError(
                "Too many runs are waiting ({waiting}); try again in about {wait_s} s.",
                waiting=len(waiting),
                **wait,
            )
        return None

    def _estimate_wait_s(self, waiting: Iterable[Event], lane: str) -> int:
        queue = self.event_queue_per_concurrency_id.get(lane)
        places = (queue.concurrency_limit if queue else None) or 1
        times = self.process_time_per_fn
        total_s = sum(
            times[event.fn].avg_time if event.fn in times else TYPICAL_S for event in waiting
        )
        return max(1, math.ceil(total_s / places))

    def _arrange(self, lane: str) -> None:
        """Sort a lane: each address its first before any has its second, then each visitor."""
        queue = self.event_queue_per_concurrency_id[lane].queue
        queue.sort(key=lambda event: event.enqueue_time)
        for parts in (2, 1):  # of a visitor: address and name, then the address alone
            counts = Counter(self._who(event)[:parts] for event in self._list_running(lane))
            rounds: dict[Event, int] = {}
            for event in queue:
                rounds[event] = counts[self._who(event)[:parts]]
                counts[self._who(event)[:parts]] += 1
            queue.sort(key=rounds.__getitem__)

    def _forget(self, event: Event) -> None:
        self.event_ids_to_events.pop(event._id, None)
        ids = self.pending_event_ids_session.get(event.session_hash, set())
        ids.discard(event._id)
        if not ids:
            self.pending_event_ids_session.pop(event.session_hash, None)
            self.pending_messages_per_session.pop(event.session_hash, None)


CLOSING = BusyError("The server ends; start your run again when it is back.")
