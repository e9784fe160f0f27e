// Joins requests for single items into batch requests.
// Each caller gets its own result, and a rejected item does not affect the others. One batch request runs at a time; the
// next one fills meanwhile.

import { NetworkError } from "./errors.ts";
import type { Clock } from "./ports.ts";
import { NEVER } from "./promises.ts";

const SETTLED_AT_ONCE = 10;

interface Pending<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

export interface BatchOptions<Item, Result> {
  readonly clock: Clock;
  readonly maxSize: number;
  /** Milliseconds that the first item waits for others. */
  readonly delayMs: number;
  /** Resolves with one result for each item, in order; an Error rejects that item alone. */
  send(items: readonly Item[]): Promise<readonly (Result | Error)[]>;
}

export class Batch<Item, Result> {
  #pending: Pending<Item, Result>[] = [];
  #running = false;
  #full = new AbortController();

  constructor(readonly options: BatchOptions<Item, Result>) {}

  /** Sends the item in the next batch and resolves with its result. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ item, resolve, reject });
      if (this.#isFull) this.#full.abort();
      void this.#run();
    });
  }

  get #isFull(): boolean {
    return this.#pending.length >= this.options.maxSize;
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#pending.length) {
        await this.#fill();
        await this.#send(this.#pending.splice(0, this.options.maxSize));
      }
    } finally {
      this.#running = false;
    }
  }

  /** Waits until the batch is full or the delay is over. */
  async #fill(): Promise<void> {
    if (this.#isFull) return;
    this.#full = new AbortController();
    await this.options.clock.sleep(this.options.delayMs, this.#full.signal).catch(() => {});
  }

  async #send(batch: readonly Pending<Item, Result>[]): Promise<void> {
    try {
      void this.#settle(batch, await this.options.send(batch.map(({ item }) => item)));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  /** A few at a time: what follows a hundred results would block the page. */
  async #settle(
    batch: readonly Pending<Item, Result>[],
    results: readonly (Result | Error)[],
  ): Promise<void> {
    for (const [index, { resolve, reject }] of batch.entries()) {
      const result = results[index];
      if (result === undefined) reject(new NetworkError("answer_broken"));
      else if (result instanceof Error) reject(result);
      else resolve(result);
      if (index % SETTLED_AT_ONCE === SETTLED_AT_ONCE - 1) await this.options.clock.sleep(0, NEVER);
    }
  }
}
