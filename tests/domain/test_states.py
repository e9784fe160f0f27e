"""The table of transitions, walked."""

import itertools

import pytest

from uploads.domain import states
from uploads.domain.states import Event, IllegalTransition, State

ALLOWED = {
    (State.UPLOADING, Event.COMPLETE): State.COMPLETING,
    (State.UPLOADING, Event.ABORT): State.ABORTED,
    (State.UPLOADING, Event.FAIL): State.FAILED,
    (State.COMPLETING, Event.FINISH): State.COMPLETED,
    (State.COMPLETING, Event.REOPEN): State.UPLOADING,
    (State.COMPLETING, Event.FAIL): State.FAILED,
    (State.COMPLETED, Event.DELETE): State.DELETED,
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_pair_of_state_and_event(state: State, event: Event) -> None:
    if (state, event) in ALLOWED:
        assert states.target(state, event) == ALLOWED[state, event]
        assert state in states.sources(event)
        assert states.destination(event) == ALLOWED[state, event]
    else:
        with pytest.raises(IllegalTransition, match=f"{state} cannot {event}"):
            states.target(state, event)
        assert state not in states.sources(event)


def test_what_has_ended_stays_so() -> None:
    assert [state for state in State if states.is_final(state)] == [State.ABORTED, State.FAILED, State.DELETED]


def test_each_event_leads_to_one_state() -> None:
    assert {event: states.destination(event) for event in Event} == {event: to for (_, event), to in ALLOWED.items()}


def test_the_diagram_has_every_move_and_every_end() -> None:
    first, *lines = states.mermaid().splitlines()
    assert first == "stateDiagram-v2"
    moves = {f"    {state} --> {to}: {event}" for (state, event), to in ALLOWED.items()}
    ends = {"    aborted --> [*]", "    failed --> [*]", "    deleted --> [*]"}
    assert sorted(lines) == sorted({"    [*] --> uploading", *moves, *ends})
