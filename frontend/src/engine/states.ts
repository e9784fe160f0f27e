// The life of one upload in the browser.
// Its one rule: every move an upload may make stands in TRANSITIONS; whatever is not there is refused by name.

export type State =
  | "queued" // waits until fewer files are under way
  | "preparing" // asks what there is to send
  | "uploading" // parts go to the storage
  | "paused" // a person stopped it; nothing is lost
  | "completing" // every part is there; the storage puts them together
  | "completed"
  | "failed" // an error that trying again did not cure; nothing is lost
  | "aborting" // is being discarded
  | "aborted";

export type Event =
  | "begin"
  | "start"
  | "pause"
  | "resume"
  | "finish"
  | "miss" // the storage lacks parts that were thought done
  | "complete"
  | "fail"
  | "abort"
  | "vanish"; // discarded, by us or by somebody else

export const TRANSITIONS: Readonly<Record<State, Partial<Record<Event, State>>>> = {
  queued: { begin: "preparing", pause: "paused", abort: "aborting" },
  preparing: {
    start: "uploading",
    pause: "paused",
    fail: "failed",
    abort: "aborting",
    // Looking may show that it has ended meanwhile.
    complete: "completed",
    vanish: "aborted",
  },
  uploading: {
    finish: "completing",
    pause: "paused",
    fail: "failed",
    abort: "aborting",
    // Another tab, another device or an administrator may have ended it.
    complete: "completed",
    vanish: "aborted",
  },
  paused: { resume: "queued", abort: "aborting" },
  completing: {
    complete: "completed",
    miss: "uploading",
    fail: "failed",
    abort: "aborting",
    vanish: "aborted",
  },
  failed: { resume: "queued", abort: "aborting" },
  aborting: { vanish: "aborted", complete: "completed", fail: "failed" },
  completed: {},
  aborted: {},
};

export class IllegalTransition extends Error {
  override name = "IllegalTransition";

  constructor(
    readonly state: State,
    readonly event: Event,
  ) {
    super(`An upload that is ${state} cannot ${event}.`);
  }
}

export function next(state: State, event: Event): State {
  const to = TRANSITIONS[state][event];
  if (!to) throw new IllegalTransition(state, event);
  return to;
}

export function can(state: State, event: Event): boolean {
  return event in TRANSITIONS[state];
}

/** Whether requests are, or are about to be, under way. */
export function isActive(state: State): boolean {
  return state === "preparing" || state === "uploading" || state === "completing";
}

/** Whether nothing will ever happen again. */
export function isOver(state: State): boolean {
  return Object.keys(TRANSITIONS[state]).length === 0;
}
