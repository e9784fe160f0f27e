// The totals of all uploads on the page: counts, bytes and speed.
// They are computed from the uploads at each call; no running counts are kept.

import { type Progress, ProgressMeter } from "../engine/progress.ts";
import { isActive, type State } from "../engine/states.ts";
import { isBusy } from "./questions.ts";

export interface CountedUpload {
  readonly state: State;
  readonly progress: Progress;
  /** Why it waits; null while it does not. */
  readonly notice: object | null;
  /** Of a folder: its files. */
  readonly list?: { readonly count: number; readonly done: number; readonly failed: number };
}

/** Numbers of files. Aborted ones are not counted. */
export interface Totals {
  readonly all: number;
  readonly done: number;
  readonly failed: number;
  readonly paused: number;
  /** Active, or queued. */
  readonly busy: number;
  /** Whether any is active and waits for nothing; only then speed and remaining time mean something. */
  readonly moving: boolean;
  readonly progress: Progress;
}

export class TotalsCounter {
  readonly #meter = new ProgressMeter(0);
  #loaded = 0;

  /** `now` is monotonic milliseconds; the speed is measured between two calls. */
  count(uploads: Iterable<CountedUpload>, now: number): Totals {
    let [all, done, failed, paused, busy, kept, loaded, total] = [0, 0, 0, 0, 0, 0, 0, 0];
    let moving = false;
    for (const { state, progress, notice, list } of uploads) {
      if (state === "aborted" || state === "aborting") continue;
      all += list?.count ?? 1;
      done += list?.done ?? Number(state === "completed");
      failed += list?.failed ?? Number(state === "failed");
      if (state === "paused") paused += 1;
      if (isBusy(state)) busy += 1;
      moving ||= isActive(state) && notice === null;
      total += progress.total;
      kept += progress.kept;
      loaded += progress.loaded;
    }
    return {
      all,
      done,
      failed,
      paused,
      busy,
      moving,
      progress: { ...this.#progress(loaded, total, now), kept },
    };
  }

  /** Measures the speed anew. For a jump of the bytes that was not sent just now, as when parts are found at OSS. */
  resetSpeed(): void {
    this.#meter.restart();
  }

  #progress(loaded: number, total: number, now: number): Progress {
    if (loaded < this.#loaded) this.resetSpeed();
    this.#loaded = loaded;
    this.#meter.total = total;
    this.#meter.advance(0, loaded, total, now);
    return this.#meter.read();
  }
}
