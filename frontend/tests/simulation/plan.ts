// What happens in one run: files, settings, the user's actions and the faults. fast-check generates and shrinks plans.

import fc from "fast-check";

/** Plans of one seed: fast-check keeps them until the last has run. */
export const CHUNK = 10_000;

/** What the requests of a fault are: parts and files sent to OSS, or calls of the backend's API. */
export const TARGETS = [
  "part",
  "create",
  "createMany",
  "get",
  "list",
  "parts",
  "sign",
  "checkpoint",
  "credentials",
  "complete",
  "completeMany",
  "abort",
] as const;
/** Questions why OSS cannot be reached have no faults of their own: the calls around them have. */
export type Target = (typeof TARGETS)[number] | "diagnose";

export const PART_FAULTS = [
  "resetBefore", // no byte arrives
  "resetIn", // half of the bytes arrive
  "lostAnswer", // everything arrives, the answer does not
  "stallBefore",
  "stallAfter",
  "damaged", // other bytes arrive
  "slow",
  "serverError",
  "busy",
  "expired",
  "badRequest",
  "requestTimeout",
] as const;
export type PartFault = (typeof PART_FAULTS)[number];

export const CALL_FAULTS = [
  "resetBefore", // the call does not arrive
  "lostAnswer", // the call is carried out, the answer does not arrive
  "stallBefore",
  "stallAfter",
  "slow",
  "serverError",
  "errorAfter", // the call is carried out, a proxy answers with an error
  "busy",
  "loggedOut",
  "brokenAnswer",
  "ossDown", // OSS does not answer the backend
  "ossLost", // OSS does what the backend asks, and its answer is lost
] as const;
export type CallFault = (typeof CALL_FAULTS)[number];

export interface Fault {
  readonly target: Target;
  /** The first request of this target that fails, counted from 0, and how many fail in a row. */
  readonly first: number;
  readonly count: number;
  readonly kind: PartFault | CallFault;
}

export const ACTIONS = [
  "pause",
  "resume",
  "abort",
  "kill", // the tab ends; it is opened again in the end, or by "reopen"
  "reopen",
  "secondTab", // another tab uploads the same file
  "offline",
  "online",
  "sleep", // the device sleeps: time passes for the servers alone
  "changeFile", // some bytes are others; the size is the same
  "loseFile", // the file cannot be read any more
  "killWorker",
  "damageJournal",
  "refuseStorage",
  "lifecycle", // OSS aborts all open multipart uploads
] as const;
export type ActionKind = (typeof ACTIONS)[number];

export interface Action {
  readonly kind: ActionKind;
  /** Events before the action, counted from the action before. */
  readonly after: number;
  /** Which upload or tab, modulo their number. */
  readonly which: number;
}

export interface PlannedFile {
  readonly kind: "file" | "stream";
  readonly size: number;
  /** Whether the source of a stream breaks. */
  readonly breaks: boolean;
  /** Whether a stream cannot wait, as a recording. */
  readonly live: boolean;
}

export interface Plan {
  /** Of the scheduler: delays, order of answers, jitter. */
  readonly seed: number;
  readonly files: readonly PlannedFile[];
  readonly partSize: number;
  readonly parallel: number;
  readonly signing: "url" | "sts";
  readonly integrity: "crc64" | "md5" | "none";
  /** Whether files of one part are created and completed in batch calls. */
  readonly batches: boolean;
  /** Files in one request are sent by PutObject instead of a form. */
  readonly put: boolean;
  /** Whether CORS shows ETag and CRC64 to the page. */
  readonly exposes: boolean;
  /** Whether the browser refuses to read a file that has changed since it was chosen. */
  readonly notices: boolean;
  /** Whether a part is hashed as slowly as it is sent, as on a phone: the file may change meanwhile. */
  readonly hashesSlowly: boolean;
  /** Whether the browser gives handles, by which a file that has changed can be opened again. */
  readonly handles: boolean;
  /** Seconds that URLs and credentials are valid. */
  readonly urlLife: number;
  readonly credentialsLife: number | null;
  /** Another address of the bucket. */
  readonly other: "none" | "works" | "dead";
  readonly faults: readonly Fault[];
  readonly actions: readonly Action[];
}

const files = fc.array(
  fc.record({
    kind: often("file" as const, 7, "stream" as const, 1),
    size: fc.oneof(
      { weight: 5, arbitrary: fc.nat(40) },
      { weight: 1, arbitrary: fc.integer({ min: 41, max: 200 }) },
    ),
    breaks: often(false, 9, true, 1),
    live: fc.boolean(),
  }),
  { minLength: 1, maxLength: 3, size: "max" },
);

/** The end of an upload is short, and most can go wrong there. */
const faultAtTheEnd: fc.Arbitrary<Fault> = fc.record({
  target: often("complete" as const, 4, "completeMany" as const, 1, "abort" as const, 1),
  first: fc.nat(1),
  count: often(1, 3, 2, 1),
  kind: fc.constantFrom("ossLost", "ossDown", "lostAnswer", "errorAfter", "loggedOut"),
});

/** OSS or the backend is busy for minutes. */
const outage: fc.Arbitrary<Fault> = fc.record({
  target: often("part" as const, 3, "create" as const, 1, "sign" as const, 1, "complete" as const, 1),
  first: fc.nat(3),
  count: fc.integer({ min: 20, max: 40 }),
  kind: fc.constant("busy" as const),
});

const otherTarget = fc.constantFrom(...TARGETS.filter((target) => target !== "part"));

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({
    target: fc.constant("part" as const),
    first: fc.nat(12),
    count: often(1, 5, 3, 2, 9, 1),
    kind: fc.constantFrom(...PART_FAULTS),
  }),
  outage,
  fc.record({
    target: otherTarget,
    first: fc.nat(3),
    count: often(1, 6, 2, 1, 15, 1),
    kind: fc.constantFrom(...CALL_FAULTS),
  }),
  faultAtTheEnd,
);

const action: fc.Arbitrary<Action> = fc.record({
  kind: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...ACTIONS) },
    { weight: 1, arbitrary: fc.constantFrom("pause", "resume", "kill", "reopen", "abort", "changeFile") },
  ) as fc.Arbitrary<ActionKind>,
  after: fc.nat(40),
  which: fc.nat(3),
});

const actions = fc.array(action, { maxLength: 5, size: "max" });

/** While the first parts are sent and the rest is still hashed. */
const earlyChange: fc.Arbitrary<Action> = fc.record({
  kind: fc.constant("changeFile" as const),
  after: fc.integer({ min: 4, max: 20 }),
  which: fc.constant(0),
});
const withEarlyChange = fc
  .tuple(earlyChange, actions)
  .map(([change, others]) => [change, ...others.slice(1)]);

const anyPlan: fc.Arbitrary<Plan> = fc.record({
  seed: fc.nat(),
  files,
  partSize: fc.integer({ min: 5, max: 9 }),
  parallel: fc.integer({ min: 1, max: 6 }),
  signing: often("url" as const, 2, "sts" as const, 1),
  integrity: often("crc64" as const, 4, "md5" as const, 1, "none" as const, 1),
  batches: often(false, 3, true, 1),
  put: fc.boolean(),
  exposes: often(true, 4, false, 1),
  notices: fc.boolean(),
  hashesSlowly: fc.boolean(),
  handles: often(false, 2, true, 1),
  urlLife: often(900, 3, 60, 1),
  credentialsLife: often<number | null>(3600, 3, 900, 1, null, 1),
  other: often("none" as const, 3, "works" as const, 1, "dead" as const, 1),
  faults: fc.array(fault, { maxLength: 5, size: "max" }),
  actions: fc.oneof({ weight: 2, arbitrary: actions }, { weight: 1, arbitrary: withEarlyChange }),
});

/** The file changes while it is sent in one request, and the tab ends before the answer. */
const brokenOff: fc.Arbitrary<Plan> = fc
  .record({ plan: anyPlan, size: fc.integer({ min: 2, max: 5 }), change: fc.nat(12), kill: fc.nat(4) })
  .map(({ plan, size, change, kill }) => ({
    ...plan,
    files: [{ kind: "file", size, breaks: false, live: false }],
    integrity: "crc64",
    faults: [],
    actions: [
      { kind: "changeFile", after: change, which: 0 },
      { kind: "kill", after: kill, which: 0 },
    ],
  }));

/** The file changes, so that its size and samples stay, while its first parts are sent and the others are hashed. */
const changedMidway: fc.Arbitrary<Plan> = fc
  .record({ plan: anyPlan, size: fc.integer({ min: 20, max: 60 }), change: fc.integer({ min: 4, max: 40 }) })
  .map(({ plan, size, change }) => ({
    ...plan,
    files: [{ kind: "file", size, breaks: false, live: false }],
    integrity: "crc64",
    notices: false,
    handles: false,
    hashesSlowly: true,
    faults: [],
    actions: [{ kind: "changeFile", after: change, which: 0 }],
  }));

/** A single request goes wrong, or the network is away once. The page cures it by itself. */
const curable: fc.Arbitrary<Plan> = fc.oneof(
  fc
    .record({ plan: anyPlan, kind: fc.constantFrom(...PART_FAULTS), first: fc.nat(3) })
    .map(({ plan, kind, first }) => withFault(plan, { target: "part", first, count: 1, kind })),
  fc
    .record({ plan: anyPlan, target: otherTarget, kind: fc.constantFrom(...CALL_FAULTS), first: fc.nat(1) })
    .map(({ plan, target, kind, first }) => withFault(plan, { target, first, count: 1, kind })),
  fc.record({ plan: anyPlan, away: fc.nat(40), back: fc.nat(60) }).map(({ plan, away, back }) => ({
    ...plan,
    faults: [],
    actions: [
      { kind: "offline" as const, after: away, which: 0 },
      { kind: "online" as const, after: back, which: 0 },
    ],
  })),
);

function withFault(plan: Plan, fault: Fault): Plan {
  return { ...plan, faults: [fault], actions: [] };
}

export const plans: fc.Arbitrary<Plan> = fc.oneof(
  { weight: 6, arbitrary: anyPlan },
  { weight: 1, arbitrary: brokenOff },
  { weight: 1, arbitrary: changedMidway },
  { weight: 2, arbitrary: curable },
);

/** Values with their weights, the simplest first. */
function often<T>(...pairs: (T | number)[]): fc.Arbitrary<T> {
  const choices = [];
  for (let at = 0; at < pairs.length; at += 2) {
    choices.push({ weight: pairs[at + 1] as number, arbitrary: fc.constant(pairs[at] as T) });
  }
  return fc.oneof({ withCrossShrink: true }, ...choices) as fc.Arbitrary<T>;
}

/** Requests that may fail in a plan without any upload failing. */
const FEW = 2;
const FINAL_FAULTS: ReadonlySet<string> = new Set(["badRequest", "loggedOut"]);
const FINAL_ACTIONS: ReadonlySet<string> = new Set([
  "abort",
  "changeFile",
  "loseFile",
  "lifecycle",
  "secondTab",
  "damageJournal",
]);

/** Whether retries cure everything that happens in the plan, but for damage and broken streams. */
export function isHarmless({ faults, actions }: Plan): boolean {
  const requests = faults.reduce((sum, { count }) => sum + count, 0);
  return (
    requests <= FEW &&
    faults.every(({ kind }) => !FINAL_FAULTS.has(kind)) &&
    actions.every(({ kind }) => !FINAL_ACTIONS.has(kind))
  );
}

/** The faults of a run as requests meet them, and a count of each kind. */
export class Faults {
  active = true;
  readonly injected = new Map<string, number>();
  readonly #seen = new Map<Fault, number>();

  constructor(readonly faults: readonly Fault[]) {}

  /** The fault of the next request of this target. */
  next(target: Target): PartFault | CallFault | undefined {
    let found: Fault | undefined;
    for (const fault of this.faults) {
      if (fault.target !== target) continue;
      const seen = this.#seen.get(fault) ?? 0;
      this.#seen.set(fault, seen + 1);
      if (seen >= fault.first && seen < fault.first + fault.count) found ??= fault;
    }
    if (!found || !this.active) return undefined;
    this.count(`${target === "part" ? "part" : "call"} ${found.kind}`);
    return found.kind;
  }

  count(name: string): void {
    this.injected.set(name, (this.injected.get(name) ?? 0) + 1);
  }
}
