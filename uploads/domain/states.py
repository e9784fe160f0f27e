"""The states of an upload, and every transition between them.

Rule: all transitions are in TRANSITIONS. Pure: no Django, no clock. The diagram in the documentation is generated
from the table by `mermaid()`, and a test compares them.
"""

from enum import StrEnum


class State(StrEnum):
    UPLOADING = "uploading"
    """Parts may be signed, sent and recorded."""
    COMPLETING = "completing"
    """The right to complete was claimed. Until OSS answers, only OSS knows how it ended."""
    COMPLETED = "completed"
    """The object is in the bucket and was checked."""
    ABORTED = "aborted"
    """Ended without an object; OSS drops its parts."""
    FAILED = "failed"
    """It cannot be completed any more; `error` says why."""
    DELETED = "deleted"
    """It was completed, and its object was removed on request or by the destination's retention."""


class Event(StrEnum):
    COMPLETE = "complete"
    """All parts are there: claim the right to complete."""
    FINISH = "finish"
    """OSS has the object, and it was checked."""
    REOPEN = "reopen"
    """OSS did not complete, and the parts are there: parts may be sent again."""
    ABORT = "abort"
    FAIL = "fail"
    DELETE = "delete"
    """Remove the object of a completed upload."""


TRANSITIONS: dict[State, dict[Event, State]] = {
    State.UPLOADING: {
        Event.COMPLETE: State.COMPLETING,
        Event.ABORT: State.ABORTED,
        Event.FAIL: State.FAILED,
    },
    State.COMPLETING: {
        Event.FINISH: State.COMPLETED,
        Event.REOPEN: State.UPLOADING,
        Event.FAIL: State.FAILED,
    },
    State.COMPLETED: {
        Event.DELETE: State.DELETED,
    },
    State.ABORTED: {},
    State.FAILED: {},
    State.DELETED: {},
}


class IllegalTransition(Exception):
    """The event is not allowed in this state."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"an upload that is {state} cannot {event}")
        self.state = state
        self.event = event


def target(state: State, event: Event) -> State:
    """The state after `event` in `state`. Raises IllegalTransition."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransition(state, event) from None


def sources(event: Event) -> list[State]:
    """The states in which `event` is allowed."""
    return [state for state, moves in TRANSITIONS.items() if event in moves]


def destination(event: Event) -> State:
    """The one state after `event`, whatever the state before it."""
    (state,) = {moves[event] for moves in TRANSITIONS.values() if event in moves}
    return state


def is_final(state: State) -> bool:
    return not TRANSITIONS[state]


def mermaid() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.UPLOADING}"]
    lines += [f"    {state} --> {to}: {event}" for state, moves in TRANSITIONS.items() for event, to in moves.items()]
    lines += [f"    {state} --> [*]" for state in State if is_final(state)]
    return "\n".join(lines)
