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
  "miss",
  "complete",
  "fail",
  "abort",
  "vanish",
];

// Written out again, so that a slip in the table is a difference here.
const LEGAL: Record<string, string> = {
  "queued begin": "preparing",
  "queued pause": "paused",
  "queued abort": "aborting",
  "preparing start": "uploading",
  "preparing pause": "paused",
  "preparing fail": "failed",
  "preparing abort": "aborting",
  "preparing complete": "completed",
  "preparing vanish": "aborted",
  "uploading finish": "completing",
  "uploading pause": "paused",
  "uploading fail": "failed",
  "uploading abort": "aborting",
  "uploading complete": "completed",
  "uploading vanish": "aborted",
  "paused resume": "queued",
  "paused abort": "aborting",
  "completing complete": "completed",
  "completing miss": "uploading",
  "completing fail": "failed",
  "completing abort": "aborting",
  "completing vanish": "aborted",
  "failed resume": "queued",
  "failed abort": "aborting",
  "aborting vanish": "aborted",
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

test("a refusal names state and event", () => {
  expect(() => next("completed", "abort")).toThrow("An upload that is completed cannot abort.");
});

test("nothing but completed and aborted is over; three states are active", () => {
  expect(STATES.filter(isOver)).toEqual(["completed", "aborted"]);
  expect(STATES.filter(isActive)).toEqual(["preparing", "uploading", "completing"]);
});
