// The way of one file's parts to the storage, once the backend knows the upload.
// Its one rule: the storage's list of parts is the truth; what is noted here is told to the backend along with other
// calls, and lost without harm.

import { combine } from "../hashing/crc64.ts";
import { aborting } from "./aborting.ts";
import type { Answer, Api, Ending, RemoteUpload, SignedBatch } from "./api.ts";
import { Checking } from "./checking.ts";
import { ApiError, asUploadError, isGone, StorageError, said, type UploadError } from "./errors.ts";
import { runLanes } from "./lanes.ts";
import type { DonePart, Ledger } from "./ledger.ts";
import type { Heard, Lending } from "./lending.ts";
import { Line } from "./line.ts";
import { everyPart } from "./parts.ts";
import { Meter } from "./progress.ts";
import { type Patience, persist, seconds, type Tell } from "./retry.ts";
import { Sender } from "./sender.ts";
import { Signer } from "./signer.ts";
import type { Slots } from "./slots.ts";
import type { Source } from "./source.ts";
import { Width } from "./width.ts";

/** A browser opens no more connections to one host over HTTP/1.1. */
const MOST_LANES = 6;
/** The first lone checkpoint after so long without another, each later one after twice as long. */
const FIRST_GAP = 15_000;
const LAST_GAP = 120_000;
/** Who signs by itself calls for nothing else; what it tells is only for who looks at the list. */
const FIRST_GAP_ALONE = 60_000;
/** How often parts that arrived damaged are sent again. */
const ROUNDS = 8;
/** How long to wait before asking again whether the storage has finished, where it does not say. */
const ASK_AGAIN = 2;

export type Integrity = "crc64" | "md5" | "none";

export type Signing = "url" | "sts";

export interface TransferPorts {
  readonly signing: Signing;
  readonly integrity: Integrity;
  readonly small: boolean;
  readonly slots: Slots;
  readonly api: Api;
  readonly source: Source;
  readonly lanes: number;
  readonly tell: Tell;
  onprogress(): void;
  /** So many bytes are now known to the backend. */
  ontold(bytesDone: number): void;
}

export class Transfer {
  readonly ledger: Ledger;
  readonly meter: Meter;
  readonly signer: Signer;
  readonly #sender: Sender;
  readonly #check: Checking;
  readonly #width: Width;
  #lending: Promise<Lending | null> | null = null;
  /** The last batch that the backend signed: where the object lies, and what the time was there. */
  #heard: Heard | null = null;
  #toldAt: number;

  constructor(
    readonly remote: RemoteUpload,
    readonly ports: TransferPorts,
  ) {
    const { api, source, lanes, tell, onprogress } = ports;
    const { clock, connection, transport, origin } = api.world;
    const plan = source.plan(remote);
    this.#toldAt = clock.now();
    this.#width = new Width(lanes, MOST_LANES);
    this.ledger = source.ledger(plan);
    this.meter = new Meter(plan.size);
    this.signer = new Signer({
      clock,
      lanes,
      upcoming: () => this.ledger.todo,
      rate: () => (this.meter.speed === null ? null : this.meter.speed / plan.partSize),
      sign: (numbers, signal) => this.#sign(numbers, signal),
      // The backend signs next, and says what the time is; then credentials are borrowed anew.
      onrefusal: () => {
        this.#heard = null;
        this.#lending = null;
      },
    });
    this.#check = new Checking(api.world.hasher, source, plan);
    const line = new Line({ clock, connection, origin, tell });
    this.#sender = new Sender({
      clock,
      transport,
      line,
      signer: this.signer,
      meter: this.meter,
      source,
      plan,
      tell,
      onprogress,
      onstall: () => this.#width.stalled(clock.now()),
      slots: ports.slots,
    });
  }

  /** Takes over what the storage holds. Of a single request there is nothing that could be held. */
  async inspect(signal: AbortSignal): Promise<void> {
    this.ledger.adopt(await this.#held(signal));
    this.meter.reset(this.ledger.doneBytes);
    const { integrity, source } = this.ports;
    // Of a stream only what has not arrived is still here.
    if (integrity !== "none" && !source.isStream) this.#check.compare(this.ledger.done);
  }

  async #held(signal: AbortSignal): Promise<readonly DonePart[]> {
    const { id, method, state } = this.remote;
    if (method !== "multipart") return state === "completing" ? everyPart(this.ledger.plan) : [];
    const { api } = this.ports;
    try {
      return await api.heldParts(id, signal);
    } catch (error) {
      // Being put together, it has all its parts; should that be wrong, completing will name those it lacks.
      if (!isGone(asUploadError(error))) throw error;
      if ((await api.get(id, signal)).state === "completing") return everyPart(this.ledger.plan);
      throw error;
    }
  }

  /** Sends every part that is not done. */
  async send(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    this.meter.rest();
    this.#width.rest();
    this.#checkpoints(AbortSignal.any([signal, over.signal])).catch(() => {}); // ended by `over`
    try {
      const take = (signal: AbortSignal) => takeUnless(signal, this.ledger);
      const send = (number: number, signal: AbortSignal) => this.#sendPart(number, signal);
      await runLanes(() => this.#width.count, take, send, signal);
      await this.#mend(() => runLanes(() => this.#width.count, take, send, signal), signal);
      this.meter.total = this.ports.source.taken;
    } finally {
      over.abort();
    }
  }

  /** Sends what arrived damaged, or was of a file that only looked the same, again. */
  async #mend(again: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { tell, integrity } = this.ports;
    if (integrity === "none") return;
    for (let round = 1; ; round++) {
      tell("checking");
      const { wrong, crc64s } = await aborting(this.#check.settle(), signal);
      tell(null);
      signal.throwIfAborted();
      if (integrity === "crc64") this.ledger.learn(crc64s);
      if (wrong.length === 0) return;
      if (round === ROUNDS) throw damaged(wrong);
      tell("damaged", { count: wrong.length });
      this.ledger.reopen(wrong);
      this.meter.reset(this.ledger.doneBytes);
      await again();
    }
  }

  /** The completed upload, or the numbers of the parts that the storage lacks, unless this is the last try. */
  async complete(signal: AbortSignal, last: boolean): Promise<RemoteUpload | number[]> {
    const { api, tell } = this.ports;
    const { clock } = api.world;
    for (;;) {
      const untold = this.ledger.untold();
      try {
        const { status, value, retryAfter } = await persist(
          () => this.#end({ done: untold, ...this.#whole(), ...this.#size() }, signal),
          this.#patience(signal),
        );
        this.ledger.told(untold);
        if (status !== 202) return value;
        const wait = (retryAfter ?? ASK_AGAIN) * 1000;
        tell("assembling", { wait: seconds(wait) });
        await clock.sleep(wait, signal);
      } catch (error) {
        const missing = missingParts(error);
        if (last || missing.length === 0 || this.ledger.reopen(missing) === 0) throw error;
        this.meter.reset(this.ledger.doneBytes);
        return missing;
      }
    }
  }

  /** What nobody knew before. */
  #size(): { size?: number } {
    const { isStream, taken } = this.ports.source;
    return isStream ? { size: taken } : {};
  }

  #end(ending: Ending, signal: AbortSignal): Promise<Answer<RemoteUpload>> {
    const { api, small } = this.ports;
    return small ? api.completeSoon(this.remote.id, ending) : api.complete(this.remote.id, ending, signal);
  }

  /** The CRC64 of the file, if that of each part is known. */
  #whole(): { crc64?: string } {
    const { done, complete } = this.ledger;
    const pieces = done.flatMap(({ crc64, size }) => (crc64 ? [{ crc64, size }] : []));
    if (this.ports.integrity !== "crc64" || !complete || pieces.length !== done.length) return {};
    return { crc64: combine(pieces) };
  }

  /** Tells the backend what it does not know yet. */
  async report(signal: AbortSignal): Promise<void> {
    const untold = this.ledger.untold();
    if (untold.length === 0) return;
    await this.ports.api.checkpoint(this.remote.id, untold, signal);
    this.#told(untold);
  }

  async #sendPart(number: number, signal: AbortSignal): Promise<void> {
    const checked = this.ports.integrity === "crc64";
    try {
      if (checked) this.#check.begin(number);
      const part = await this.#sender.send(number, signal);
      if (checked) this.#check.arrived(part);
      this.ledger.finish(part);
      this.#width.arrived(part.size, this.ports.api.world.clock.now());
    } catch (error) {
      this.ledger.putBack(number);
      throw error;
    }
    this.ports.onprogress();
  }

  async #sign(numbers: readonly number[], signal: AbortSignal): Promise<SignedBatch> {
    const { api } = this.ports;
    const own = await this.#signHere(numbers, signal);
    if (own) return own;
    const untold = this.ledger.untold();
    const parts = await this.#requests(numbers);
    const batch = await persist(
      () => api.sign(this.remote.id, parts, untold, signal),
      this.#patience(signal),
    );
    this.#told(untold);
    this.#hear(batch);
    return batch;
  }

  /** Takes in the parts that came signed with the upload itself. */
  accept(batch: SignedBatch): void {
    this.#hear(batch);
    this.signer.accept(batch);
  }

  #hear(batch: SignedBatch): void {
    this.#heard = { batch, at: this.ports.api.world.clock.now() };
  }

  /** With borrowed credentials; null where the backend has to. */
  async #signHere(numbers: readonly number[], signal: AbortSignal): Promise<SignedBatch | null> {
    const { signing, integrity } = this.ports;
    if (signing !== "sts" || integrity === "md5" || this.remote.method !== "multipart") return null;
    const { api } = this.ports;
    this.#lending ??= import("./lending.ts").then(
      ({ Lending }) => new Lending(api, this.remote.id),
      () => null, // It could not be loaded.
    );
    const lending = await this.#lending;
    return lending && persist(() => lending.sign(numbers, this.#heard, signal), this.#patience(signal));
  }

  /** With MD5 the bytes are bound into the URL, so they are hashed first: few at a time, or the lanes would wait. */
  async #requests(numbers: readonly number[]): Promise<{ number: number; content_md5?: string }[]> {
    if (this.ports.integrity !== "md5") return numbers.map((number) => ({ number }));
    const few = numbers.slice(0, 2 * this.ports.lanes);
    return Promise.all(few.map(async (number) => ({ number, content_md5: await this.#check.md5(number) })));
  }

  /** A slow line needs few URLs, so few sign calls carry the record along; these keep it fresh between them. */
  async #checkpoints(signal: AbortSignal): Promise<void> {
    const { clock } = this.ports.api.world;
    let gap = this.ports.signing === "sts" ? FIRST_GAP_ALONE : FIRST_GAP;
    for (;;) {
      const wait = this.#toldAt + gap - clock.now();
      await clock.sleep(Math.max(1000, wait), signal);
      if (clock.now() - this.#toldAt < gap || this.ledger.untold().length === 0) continue;
      await this.report(signal).catch(() => {}); // the next call carries it
      gap = Math.min(LAST_GAP, gap * 2);
    }
  }

  #told(parts: ReturnType<Ledger["untold"]>): void {
    this.ledger.told(parts);
    this.#toldAt = this.ports.api.world.clock.now();
    this.ports.ontold(this.ledger.doneBytes);
  }

  #patience(signal: AbortSignal): Patience {
    const { clock, connection } = this.ports.api.world;
    return { clock, connection, signal, tell: this.ports.tell };
  }
}

/** A stream may keep a lane waiting for its next part; whoever stops does not wait for it. */
async function takeUnless(signal: AbortSignal, ledger: Ledger): Promise<number | undefined> {
  const taken = ledger.next(signal);
  const over = new AbortController();
  const stopped = new Promise<undefined>((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { signal: over.signal });
  });
  const number = await Promise.race([taken, stopped]).finally(() => over.abort());
  if (number === undefined || signal.aborted) {
    taken.then(
      (late) => late !== undefined && signal.aborted && ledger.putBack(late),
      () => {},
    );
    signal.throwIfAborted();
  }
  return number;
}

function damaged(numbers: readonly number[]): UploadError {
  return new StorageError({
    code: "damaged",
    ...said("damaged", { parts: numbers.slice(0, 5).join(", ") }),
  });
}

function missingParts(error: unknown): number[] {
  if (!(error instanceof ApiError) || error.status !== 409) return [];
  const { parts } = (error.errors ?? {}) as { parts?: unknown };
  return Array.isArray(parts) ? parts.filter((number) => typeof number === "number") : [];
}
