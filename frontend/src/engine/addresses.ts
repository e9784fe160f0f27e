// Sends the parts of one upload to several addresses of its bucket. Loaded where there is more than one.
//
// A part waits here for a lane, and goes to the fastest address that has one. When no part waits any more, a part at a
// slow address is sent to a faster one too, and the first to arrive counts: OSS replaces a part that comes twice.

import { Address, AddressFailed, type Attempt, connectionsTo, isSlow, reportLeftOut } from "./address.ts";
import { AddressProbe } from "./address-probe.ts";
import { AddressSenders } from "./address-sender.ts";
import type { Api } from "./api.ts";
import { isGone, NetworkError, StorageError } from "./errors.ts";
import type { Ledger } from "./ledger.ts";
import type { Pace } from "./pace.ts";
import { anySignal } from "./promises.ts";
import { MAX_PARALLEL } from "./queue.ts";
import type { Router } from "./route.ts";
import type { Arrival, Sender, SenderPorts } from "./sender.ts";
import { SideBySide } from "./side-by-side.ts";
import { sizeOf, type Transfer } from "./transfer.ts"; // Parts come with it: no chunk more to load.

export { Failover } from "./failover.ts"; // In one chunk.

interface RouterPorts extends SenderPorts {
  /** Sends to the first address alone. */
  readonly sender: Sender;
  readonly api: Api;
  /** The id of the upload. */
  readonly id: string;
  readonly ledger: Ledger;
}

/** A part on its way. */
interface Run {
  readonly size: number;
  readonly attempts: Attempt[];
  begin(attempt: Attempt): void;
}

/** `signal` and `cut` of `Sender.send`. */
type Signals = [signal: AbortSignal, cut: AbortSignal];

/** The code of a part without a readable answer. */
const UNREACHABLE = "storage_unreachable";
/** Milliseconds between two looks at the lanes. */
const TICK = 250;
/** Failures in a row after which an address that has worked is left out. */
const MAX_FAILURES = 2;

export class AddressRouter implements Router {
  readonly #addresses: readonly Address[];
  readonly #lanes: SideBySide;
  readonly #probe: AddressProbe;
  readonly #runs = new Set<Run>();
  /** Why an address was left out that answers. */
  #refusal: StorageError | null = null;
  /** Aborts when parts are not sent any more. The end of one part does not end a probe. */
  #sending: AbortSignal = new AbortController().signal;
  #waiting: ((attempt: Attempt) => void)[] = [];
  readonly #senders: AddressSenders;

  readonly ports: RouterPorts;

  constructor(
    { remote, ports: { api }, ledger }: Pick<Transfer, "remote" | "ports" | "ledger">,
    sender: Sender,
    readonly pace: Pace,
  ) {
    const { id, addresses: urls = [] } = remote;
    const ports = { ...sender.ports, sender, api, id, ledger };
    this.ports = ports;
    this.#addresses = urls.map((url, i) => new Address(i, url, connectionsTo(url, i, ports.requests)));
    this.#lanes = new SideBySide(this.#addresses, pace.slowLine.concurrency, ports.clock.now());
    this.#senders = new AddressSenders({
      ...ports,
      onsigned: (address) => this.#probe.probeOthers(address, this.#sending),
      onstallAt: (address) => {
        if (address.lanes > 1) address.lanes -= 1;
        if (address === this.#lanes.best) ports.onstall(); // The others say nothing of how many it can take.
      },
      onrefused: (address) => {
        const isGoodElsewhere =
          address.arrivals === 0 && this.#addresses.some(({ arrivals, isOut }) => arrivals > 0 && !isOut);
        if (isGoodElsewhere) throw this.#leaveOut(address, true);
      },
      onunanswered: (address) => this.#recordFailure(address),
    });
    this.#probe = new AddressProbe(this.#addresses, {
      ...ports,
      part: () => this.#senders.anyPart,
      onanswer: () => this.#update(),
      onfailure: (address) => this.#hasOther(address) && this.#isOnline && this.#leaveOut(address),
    });
    this.#update();
  }

  /** Parts that may be given to `send` at once. */
  get level(): number {
    return Math.min(this.#addresses.length * MAX_PARALLEL, this.pace.slowLine.most);
  }

  /** As `Sender.send`. Null when the part was put back. */
  async send(number: number, signal: AbortSignal): Promise<Arrival | null> {
    try {
      for (;;) {
        const attempt = await this.#lane(signal);
        try {
          const run = (cut: AbortSignal) => this.#run(number, attempt, signal, cut);
          return await this.pace.send(number, signal, run);
        } catch (error) {
          signal.throwIfAborted();
          if (!(error instanceof AddressFailed)) throw error;
        }
      }
    } finally {
      this.#senders.forget(number);
    }
  }

  /** Distributes the lanes, and takes over parts of slow addresses, until the signal aborts. */
  async watch(signal: AbortSignal): Promise<never> {
    this.#refusal = null;
    this.#sending = signal;
    for (const address of this.#addresses) address.readmit();
    this.#lanes.restart(this.ports.clock.now());
    for (;;) {
      this.#update();
      this.#probe.probeAgain(signal);
      await this.ports.clock.sleep(this.pace.slowLine.untilNextLook(TICK), signal);
    }
  }

  #update(): void {
    // Without any address the upload would wait for ever. The circuit breaker waits for one that fails.
    if (this.#addresses.every(({ isOut }) => isOut)) for (const address of this.#addresses) address.readmit();
    this.#lanes.update(this.ports.clock.now());
    this.#fill();
    if (this.#waiting.length === 0 && this.ports.ledger.waiting.length === 0) this.#takeOver();
  }

  // Lanes

  /** Resolves with an attempt at an address that has room. */
  #lane(signal: AbortSignal): Promise<Attempt> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const leave = () => {
        this.#waiting = this.#waiting.filter((other) => other !== enter);
        reject(signal.reason);
      };
      const enter = (attempt: Attempt) => {
        signal.removeEventListener("abort", leave);
        resolve(attempt);
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.push(enter);
      this.#fill();
    });
  }

  #fill(): void {
    while (this.#waiting.length > 0 && this.#count < this.level) {
      const address = this.#free();
      if (!address) return;
      this.#waiting.shift()?.(address.begin());
    }
  }

  /** Requests that are being made. */
  get #count(): number {
    return this.#addresses.reduce((sum, { attempts }) => sum + attempts.size, 0);
  }

  /** The fastest address that has room. */
  #free(except?: Address): Address | undefined {
    const now = this.ports.clock.now();
    const rate = (address: Address) => address.rate(now) ?? 0;
    const free = this.#addresses.filter((address) => address.hasRoom && address !== except);
    return free.sort((a, b) => rate(b) - rate(a))[0];
  }

  /** Whether another address than this one may work. */
  #hasOther(address: Address): boolean {
    return this.#addresses.some((other) => other !== address && !other.isOut);
  }

  // Parts

  /** Resolves with the first arrival of the part, wherever it is sent, and ends the other attempts. */
  async #run(number: number, first: Attempt, signal: AbortSignal, cut: AbortSignal): Promise<Arrival> {
    const ended = new AbortController();
    const attempts: Attempt[] = [];
    const own = new Map<Attempt, AbortController>();
    const size = sizeOf(this.ports.plan, number);
    let run: Run | undefined;
    try {
      return await new Promise((resolve, reject) => {
        let open = 0;
        const begin = (attempt: Attempt) => {
          attempts.push(attempt);
          open += 1;
          const superseded = new AbortController();
          own.set(attempt, superseded);
          attempt.onstored = () => {
            this.#senders.forget(number); // No probe may send it again.
            abortOthers(own, attempt);
          };
          const signals = [signal, cut].map((s) => anySignal(s, ended.signal, superseded.signal)) as Signals;
          this.#attempt(number, attempt, attempts.length > 1, signals).then(resolve, (error) => {
            open -= 1;
            // A pause ends an attempt that waits, and may wait for another that is being sent.
            const mayWait = superseded.signal.aborted || signal.aborted || error instanceof AddressFailed;
            if (open === 0 || !mayWait) reject(error);
          });
        };
        run = { size, attempts, begin };
        this.#runs.add(run);
        begin(first);
      });
    } finally {
      if (run) this.#runs.delete(run);
      ended.abort();
    }
  }

  /** Sends a part to one address. `isSecond`: another attempt shows its progress. */
  async #attempt(
    number: number,
    attempt: Attempt,
    isSecond: boolean,
    [signal, cut]: Signals,
  ): Promise<Arrival> {
    const { address } = attempt;
    const { clock } = this.ports;
    try {
      const arrival = await this.#senders.senderOf(attempt, isSecond).send(number, signal, cut);
      address.recordArrival(arrival.part.size, attempt, clock.now());
      return arrival;
    } catch (error) {
      signal.throwIfAborted();
      if (!this.#isOfAddress(error, address)) throw error;
      if (error instanceof StorageError) this.#refusal = error;
      throw this.#leaveOut(address, error === this.#refusal);
    } finally {
      address.attempts.delete(attempt);
      this.#update();
    }
  }

  /** Whether another address may take what this one refuses or does not answer. An upload that is gone is gone for all. */
  #isOfAddress(error: unknown, address: Address): boolean {
    if (address.arrivals > 0 || !this.#hasOther(address)) return false;
    if (error instanceof StorageError) return !isGone(error);
    return error instanceof NetworkError && error.code === UNREACHABLE;
  }

  /** Failures of one address do not stop the others. Only when none is left, the upload waits. */
  #recordFailure(address: Address): void {
    address.failures += 1;
    if (!this.#isOnline) return;
    if (this.#hasOther(address)) {
      if (address.answerTime === null || address.failures >= MAX_FAILURES) throw this.#leaveOut(address);
    } else if (this.#refusal && address.answerTime === null) throw this.#refusal;
  }

  #leaveOut(address: Address, forGood = false): AddressFailed {
    if (!address.isOut) {
      address.leaveOut(forGood ? Number.POSITIVE_INFINITY : this.ports.clock.now());
      reportLeftOut(this.ports.api, this.ports.id, address.index);
    }
    return new AddressFailed(address.url);
  }

  get #isOnline(): boolean {
    return this.ports.api.environment.connection.online;
  }

  // The end

  /** Sends parts at slow addresses to faster ones that have nothing else to do. */
  #takeOver(): void {
    const now = this.ports.clock.now();
    for (const run of this.#runs) {
      const [attempt] = run.attempts;
      const faster = attempt && run.attempts.length === 1 && this.#free(attempt.address);
      if (faster && isSlow(run.size, attempt, faster, now)) run.begin(faster.begin());
    }
  }
}

/** At once: what waits for the circuit breaker starts as soon as this answer has been recorded. */
function abortOthers(attempts: ReadonlyMap<Attempt, AbortController>, first: Attempt): void {
  if (attempts.get(first)?.signal.aborted) return;
  for (const [attempt, controller] of attempts) if (attempt !== first) controller.abort();
}
