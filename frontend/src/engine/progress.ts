// Progress, speed and remaining time of an upload.
// `loaded` counts bytes that were handed to the network, and falls when a part is repeated. `kept` counts finished parts.

/** What a stream may still have. */
export interface StreamRoom {
  /** Bytes that the destination still takes. */
  readonly bytesLeft: number;
  /** At the rate at which it has grown so far; null before that is known. */
  readonly secondsLeft: number | null;
}

/** Why a live stream ended before its producer ended it. */
export interface EndedEarly {
  /** It reached the limit of the destination, or its producer failed. */
  readonly reason: "limit" | "interrupted";
  /** The error of the producer. */
  readonly detail: string;
}

/** What is known of a stream beside its bytes. */
export interface StreamGrowth {
  /** Of a stream whose size is limited, until its end. */
  readonly room?: StreamRoom;
  /** The upload completes with what there is. */
  readonly endedEarly?: EndedEarly;
}

/** How far an upload is. */
export interface Progress extends StreamGrowth {
  /** Bytes of the parts that OSS holds: after a pause, a reload or a failure these need not be sent again. */
  readonly kept: number;
  /** `kept`, and the bytes of parts that are being sent. */
  readonly loaded: number;
  /** Bytes in all; of a stream, as many as `loaded` until its end. */
  readonly total: number;
  /** 0 to 1; 1 for an empty file, 0 for a stream until its end. */
  readonly ratio: number;
  /** Bytes a second, averaged over the last seconds; null before anything can be measured. */
  readonly speed: number | null;
  /** Seconds left; null before anything can be measured. */
  readonly eta: number | null;
}

/** The time constant of the average, in milliseconds. */
const AVERAGE_OVER = 6_000;
/** Milliseconds. Samples that are nearer measure the browser's timers, not the network. */
const MIN_INTERVAL = 200;

export class ProgressMeter {
  #finished: number;
  #inFlight = new Map<number, number>();
  /** Bytes handed to the network, those of failed attempts too. */
  sent = 0;
  #rate = 0;
  #weight = 0;
  #sampledAt: number | null = null;
  #sampledSent = 0;

  constructor(
    /** Bytes; Infinity for a stream until its end. */
    public total: number,
    finished = 0,
  ) {
    this.#finished = finished;
  }

  get loaded(): number {
    let loaded = this.#finished;
    for (const bytes of this.#inFlight.values()) loaded += bytes;
    return Math.min(this.total, loaded);
  }

  /** A part's bytes so far, at most `size`: browsers may count more than the body. */
  advance(number: number, loaded: number, size: number, now: number): void {
    const before = this.#inFlight.get(number) ?? 0;
    const after = Math.min(loaded, size);
    this.#inFlight.set(number, after);
    this.sent += Math.max(0, after - before);
    this.#sample(now);
  }

  finish(number: number, size: number, now: number): void {
    this.advance(number, size, size, now);
    this.#inFlight.delete(number);
    this.#finished += size;
  }

  /** Bytes of a part that is being sent. */
  sentOf(number: number): number {
    return this.#inFlight.get(number) ?? 0;
  }

  /** The part will be sent again. */
  drop(number: number): void {
    this.#inFlight.delete(number);
  }

  /** Sets the finished bytes to those that OSS holds. */
  reset(finished: number): void {
    this.#finished = finished;
    this.#inFlight.clear();
  }

  /** Forgets the speed: a pause does not count as slowness. */
  restart(): void {
    this.#sampledAt = null;
    this.#rate = 0;
    this.#weight = 0;
  }

  get speed(): number | null {
    return this.#weight > 0 ? this.#rate / this.#weight : null;
  }

  read(): Progress {
    const { loaded, speed } = this;
    const kept = Math.min(loaded, this.#finished);
    const known = { kept, loaded, speed };
    if (this.total === Number.POSITIVE_INFINITY) return { ...known, total: loaded, ratio: 0, eta: null };
    const { total } = this;
    const eta = speed ? (total - loaded) / speed : null;
    return { ...known, total, ratio: total === 0 ? 1 : loaded / total, eta };
  }

  /** An exponential moving average. Dividing by its weight corrects for its start at 0. */
  #sample(now: number): void {
    if (this.#sampledAt === null) {
      this.#sampledAt = now;
      this.#sampledSent = this.sent;
      return;
    }
    const passed = now - this.#sampledAt;
    if (passed < MIN_INTERVAL) return;
    const keep = Math.exp(-passed / AVERAGE_OVER);
    const measured = ((this.sent - this.#sampledSent) / passed) * 1000;
    this.#rate = this.#rate * keep + measured * (1 - keep);
    this.#weight = this.#weight * keep + (1 - keep);
    this.#sampledAt = now;
    this.#sampledSent = this.sent;
  }
}
