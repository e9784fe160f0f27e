"""Every way an upload may move.

Rule: all transitions stand in TRANSITIONS, and nothing else decides about state. Pure: no Django, no clock.
The diagram in README is generated from the table (`mermaid()`), and a test keeps them the same.
"""

from enum import StrEnum


class State(StrEnum):
    UPLOADING = "uploading"
    """Parts may be signed, sent and recorded."""
    COMPLETING = "completing"
    """Somebody asked OSS to put the parts together; only OSS knows yet how it ended."""
    COMPLETED = "completed"
    """The object is in the bucket and was checked."""
    ABORTED = "aborted"
    """Given up; its parts are released at OSS."""
    FAILED = "failed"
    """It cannot end well any more; `error` says why."""


class Event(StrEnum):
    COMPLETE = "complete"
    """The parts are all there: claim the right to complete."""
    FINISH = "finish"
    """OSS has the object, as it should be."""
    REOPEN = "reopen"
    """OSS refused to complete, but the parts are still there: send what is missing."""
    ABORT = "abort"
    FAIL = "fail"


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
    State.COMPLETED: {},
    State.ABORTED: {},
    State.FAILED: {},
}


class IllegalTransition(Exception):
    """An event that the state does not know."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"an upload that is {state} cannot {event}")
        self.state = state
        self.event = event


def target(state: State, event: Event) -> State:
    """Where `event` leads from `state`. Raises IllegalTransition."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransition(state, event) from None


def sources(event: Event) -> list[State]:
    """The states in which `event` may happen."""
    return [state for state, moves in TRANSITIONS.items() if event in moves]


def destination(event: Event) -> State:
    """The one state to which `event` leads, from wherever it may happen."""
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
