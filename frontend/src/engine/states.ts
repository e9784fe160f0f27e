// The states of one upload in the browser. TRANSITIONS lists every transition; all others are refused.

/** The state of an upload. */
export type State =
  | "queued" // waits for a place in the queue
  | "preparing" // finds or creates the upload at the backend
  | "uploading" // sends parts to OSS
  | "paused" // finished parts are kept
  | "completing" // OSS has every part and assembles the object
  | "completed"
  | "failed" // retries did not help; finished parts are kept
  | "aborting" // is being deleted at the backend and at OSS
  | "aborted";

/** What moves an upload from one state to another. */
export type StateEvent =
  | "begin"
  | "start"
  | "pause"
  | "resume"
  | "finish"
  | "reopen" // OSS lacks parts that were recorded as done
  | "complete"
  | "fail"
  | "abort"
  | "delete"; // aborted, here or elsewhere

/** Each transition: the state after an event. Others are refused. */
export const TRANSITIONS: Readonly<Record<State, Partial<Record<StateEvent, State>>>> = {
  queued: { begin: "preparing", pause: "paused", abort: "aborting" },
  preparing: {
    start: "uploading",
    pause: "paused",
    fail: "failed",
    abort: "aborting",
    // The backend may answer that the upload has ended.
    complete: "completed",
    delete: "aborted",
  },
  uploading: {
    finish: "completing",
    pause: "paused",
    fail: "failed",
    abort: "aborting",
    // Another tab, another device or an administrator may have ended it.
    complete: "completed",
    delete: "aborted",
  },
  paused: { resume: "queued", abort: "aborting" },
  completing: {
    complete: "completed",
    reopen: "uploading",
    fail: "failed",
    abort: "aborting",
    delete: "aborted",
  },
  failed: { resume: "queued", abort: "aborting" },
  aborting: { delete: "aborted", complete: "completed", fail: "failed" },
  completed: {},
  aborted: {},
};

/** Thrown by `pause`, `resume` and `abort` in a state that does not allow them. */
export class IllegalTransition extends Error {
  /** Always "IllegalTransition". */
  override name = "IllegalTransition";

  constructor(
    /** The state of the upload. */
    readonly state: State,
    /** What the state does not allow. */
    readonly event: StateEvent,
  ) {
    super(`An upload that is ${state} cannot ${event}.`);
  }
}

/** The state after the event. Throws IllegalTransition. */
export function next(state: State, event: StateEvent): State {
  const to = TRANSITIONS[state][event];
  if (!to) throw new IllegalTransition(state, event);
  return to;
}

/** Whether the event is allowed in this state. */
export function can(state: State, event: StateEvent): boolean {
  return event in TRANSITIONS[state];
}

/** Whether the upload makes requests: preparing, uploading or completing. */
export function isActive(state: State): boolean {
  return state === "preparing" || state === "uploading" || state === "completing";
}

/** Whether the state is final: completed or aborted. */
export function isOver(state: State): boolean {
  return Object.keys(TRANSITIONS[state]).length === 0;
}
