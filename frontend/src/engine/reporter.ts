// What an upload tells its page: events, progress at most ten times a second, and why it waits.

import { type Notice, NoticeEvent, type UploadEvent, UploadProgressEvent } from "./events.ts";
import type { Clock } from "./ports.ts";
import type { Progress } from "./progress.ts";
import { type Notify, seconds } from "./waiting.ts";

/** Milliseconds between progress events at least. */
const PROGRESS_INTERVAL = 100;

export class Reporter {
  #notice: Notice | null = null;
  /** When the present wait ends, in `clock.now()`. */
  #waitsUntil: number | undefined;
  #lastProgressAt = Number.NEGATIVE_INFINITY;

  constructor(
    readonly clock: Clock,
    readonly dispatch: (event: UploadEvent) => void,
  ) {}

  /** Why the upload waits. The seconds that are left, `facts.wait`, are those of now. */
  get notice(): Notice | null {
    const notice = this.#notice;
    if (!notice || this.#waitsUntil === undefined) return notice;
    const wait = seconds(this.#waitsUntil - this.clock.now());
    return { ...notice, facts: { ...notice.facts, wait } };
  }

  readonly notify: Notify = (name, facts = {}, until = undefined) => {
    if (name === null && this.#notice === null) return;
    this.#waitsUntil = until;
    this.#notice = name && { name, facts };
    this.dispatch(new NoticeEvent(this.#notice));
  };

  /** `always`: also right after another progress event. */
  progress(read: () => Progress, always: boolean): void {
    const now = this.clock.now();
    if (!always && now - this.#lastProgressAt < PROGRESS_INTERVAL) return;
    this.#lastProgressAt = now;
    this.dispatch(new UploadProgressEvent(read()));
  }
}
