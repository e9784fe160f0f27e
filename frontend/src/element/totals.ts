// All uploads of the page together: how many, how far, how fast.
// Its one rule: pure, and counted from the uploads themselves whenever somebody looks.

import { type Progress, ProgressMeter } from "../engine/progress.ts";
import { isActive, type State } from "../engine/states.ts";

export interface Counted {
  readonly state: State;
  readonly progress: Progress;
}

export interface Totals {
  readonly all: number;
  readonly done: number;
  readonly failed: number;
  readonly paused: number;
  /** Under way, or waiting for their turn. */
  readonly busy: number;
  readonly progress: Progress;
}

export class Count {
  readonly #meter = new ProgressMeter(0);
  #loaded = 0;

  /** `now` is monotonic milliseconds. What was discarded counts no more. */
  look(uploads: Iterable<Counted>, now: number): Totals {
    let [all, done, failed, paused, busy, loaded, total] = [0, 0, 0, 0, 0, 0, 0];
    for (const { state, progress } of uploads) {
      if (state === "aborted" || state === "aborting") continue;
      all += 1;
      if (state === "completed") done += 1;
      else if (state === "failed") failed += 1;
      else if (state === "paused") paused += 1;
      if (isBusy(state)) busy += 1;
      total += progress.total;
      loaded += state === "completed" ? progress.total : progress.loaded;
    }
    return { all, done, failed, paused, busy, progress: this.#progress(loaded, total, now) };
  }

  /** What was found at the storage, or fell away, was not sent just now. */
  forgive(): void {
    this.#meter.restart();
  }

  #progress(loaded: number, total: number, now: number): Progress {
    if (loaded < this.#loaded) this.#meter.restart();
    this.#loaded = loaded;
    this.#meter.total = total;
    this.#meter.advance(0, loaded, total, now);
    return this.#meter.read();
  }
}

export function isBusy(state: State): boolean {
  return state === "queued" || isActive(state);
}
