import { describe, expect, test } from "vitest";
import {
  can,
  IllegalTransition,
  isActive,
  isOver,
  next,
  type State,
  type StateEvent,
  TRANSITIONS,
} from "../../src/engine/states.ts";

const STATES = Object.keys(TRANSITIONS) as State[];
const EVENTS: StateEvent[] = [
  "begin",
  "start",
  "pause",
  "resume",
  "finish",
  "reopen",
  "complete",
  "fail",
  "abort",
  "delete",
];

// Written out again, so that a mistake in the table is a difference here.
const LEGAL: Record<string, string> = {
  "queued begin": "preparing",
  "queued pause": "paused",
  "queued abort": "aborting",
  "preparing start": "uploading",
  "preparing pause": "paused",
  "preparing fail": "failed",
  "preparing abort": "aborting",
  "preparing complete": "completed",
  "preparing delete": "aborted",
  "uploading finish": "completing",
  "uploading pause": "paused",
  "uploading fail": "failed",
  "uploading abort": "aborting",
  "uploading complete": "completed",
  "uploading delete": "aborted",
  "paused resume": "queued",
  "paused abort": "aborting",
  "completing complete": "completed",
  "completing reopen": "uploading",
  "completing fail": "failed",
  "completing abort": "aborting",
  "completing delete": "aborted",
  "failed resume": "queued",
  "failed abort": "aborting",
  "aborting delete": "aborted",
  "aborting complete": "completed",
  "aborting fail": "failed",
};

describe.each(STATES)("an upload that is %s", (state) => {
  test.each(EVENTS)("%s", (event) => {
    const to = LEGAL[`${state} ${event}`];
    expect(can(state, event)).toBe(to !== undefined);
    if (to) expect(next(state, event)).toBe(to);
    else expect(() => next(state, event)).toThrow(IllegalTransition);
  });
});

test("IllegalTransition names state and event", () => {
  expect(() => next("completed", "abort")).toThrow("An upload that is completed cannot abort.");
});

test("completed and aborted are final; three states are active", () => {
  expect(STATES.filter(isOver)).toEqual(["completed", "aborted"]);
  expect(STATES.filter(isActive)).toEqual(["preparing", "uploading", "completing"]);
});
