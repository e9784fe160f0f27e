// Pools of workers that hash; where there can be none, the page does it itself.
// Its one rule: workers are started when they are first needed, and nobody waits for one that has died.

import type { Hasher } from "../engine/ports.ts";
import type { Answer } from "./serving.ts";

/** A core is left to the page and the network. */
const MOST_WORKERS = 3;

interface Waiting {
  readonly blob: Blob;
  resolve(value: string): void;
  reject(error: unknown): void;
}

interface Hand {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

class Pool {
  #hands: Hand[] | null = null;
  #last = 0;

  constructor(
    readonly start: () => Worker,
    /** In the page itself; its code is loaded only where workers may not be. */
    readonly here: (blob: Blob) => Promise<string>,
  ) {}

  hash(blob: Blob): Promise<string> {
    this.#hands ??= this.#hire(Math.max(2, Math.min(MOST_WORKERS, (navigator.hardwareConcurrency || 2) - 1)));
    const [least] = this.#hands.toSorted((a, b) => a.waiting.size - b.waiting.size);
    if (!least) return this.here(blob);
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      least.waiting.set(id, { blob, resolve, reject });
      least.worker.postMessage({ id, blob });
    });
  }

  /** None where a content security policy, or the lack of workers, forbids them. */
  #hire(count: number): Hand[] {
    try {
      return Array.from({ length: count }, () => this.#one());
    } catch {
      return [];
    }
  }

  #one(): Hand {
    const hand: Hand = { worker: this.start(), waiting: new Map() };
    const die = () => this.#bury(hand);
    hand.worker.onmessage = ({ data }: MessageEvent<Answer>) => answer(hand.waiting, data);
    hand.worker.onerror = die;
    hand.worker.onmessageerror = die;
    return hand;
  }

  /** What it was asked is done here; its place stays empty. */
  #bury(dead: Hand): void {
    this.#hands = (this.#hands ?? []).filter((hand) => hand !== dead);
    dead.worker.terminate();
    for (const { blob, resolve, reject } of dead.waiting.values()) this.here(blob).then(resolve, reject);
    dead.waiting.clear();
  }
}

function answer(waiting: Map<number, Waiting>, { id, value, error }: Answer): void {
  const asked = waiting.get(id);
  waiting.delete(id);
  if (value === undefined) asked?.reject(new Error(error));
  else asked?.resolve(value);
}

export class WorkerPool implements Hasher {
  // .js: TypeScript rewrites the names in imports alone, and Vite finds the .ts behind these.
  readonly #pools = {
    crc64: new Pool(
      () => new Worker(new URL("./crc64.worker.js", import.meta.url), { type: "module" }),
      async (blob) => (await import("./hash-crc64.ts")).crc64Of(blob),
    ),
    md5: new Pool(
      () => new Worker(new URL("./md5.worker.js", import.meta.url), { type: "module" }),
      async (blob) => (await import("./hash-md5.ts")).md5Of(blob),
    ),
  };

  hash(algorithm: "crc64" | "md5", blob: Blob): Promise<string> {
    return this.#pools[algorithm].hash(blob);
  }
}
