// A pool of workers that hash; where there can be none, the page does it itself.
// Its one rule: workers are started when they are first needed, and nobody waits for one that has died.

import type { Algorithm } from "./hashing.ts";
import type { Hasher } from "./ports.ts";

/** A core is left to the page and the network. */
const MOST_WORKERS = 3;

interface Answer {
  readonly id: number;
  readonly value?: string;
  readonly error?: string;
}

interface Waiting {
  readonly algorithm: Algorithm;
  readonly blob: Blob;
  resolve(value: string): void;
  reject(error: unknown): void;
}

export class WorkerPool implements Hasher {
  #workers: { worker: Worker; waiting: Map<number, Waiting> }[] | null = null;
  #last = 0;

  hash(algorithm: Algorithm, blob: Blob): Promise<string> {
    this.#workers ??= start(Math.max(2, Math.min(MOST_WORKERS, (navigator.hardwareConcurrency || 2) - 1)));
    const [least] = this.#workers.toSorted((a, b) => a.waiting.size - b.waiting.size);
    if (!least) return hash(algorithm, blob);
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      least.waiting.set(id, { algorithm, blob, resolve, reject });
      least.worker.postMessage({ id, algorithm, blob });
      const die = () => this.#bury(least.worker);
      least.worker.onmessage = ({ data }: MessageEvent<Answer>) => answer(least.waiting, data);
      least.worker.onerror = die;
      least.worker.onmessageerror = die;
    });
  }

  /** What it was asked is done here; its place stays empty. */
  #bury(worker: Worker): void {
    const dead = this.#workers?.find((one) => one.worker === worker);
    this.#workers = (this.#workers ?? []).filter((one) => one !== dead);
    worker.terminate();
    for (const { algorithm, blob, resolve, reject } of dead?.waiting.values() ?? []) {
      hash(algorithm, blob).then(resolve, reject);
    }
    dead?.waiting.clear();
  }
}

/** Loaded only where workers may not be: nobody else pays for it. */
async function hash(algorithm: Algorithm, blob: Blob): Promise<string> {
  return (await import("./hashing.ts")).hash(algorithm, blob);
}

function answer(waiting: Map<number, Waiting>, { id, value, error }: Answer): void {
  const asked = waiting.get(id);
  waiting.delete(id);
  if (value === undefined) asked?.reject(new Error(error));
  else asked?.resolve(value);
}

/** None where a content security policy, or the lack of workers, forbids them. */
function start(count: number): { worker: Worker; waiting: Map<number, Waiting> }[] {
  try {
    return Array.from({ length: count }, () => ({
      // .js: TypeScript rewrites the names in imports alone, and Vite finds the .ts behind this one.
      worker: new Worker(new URL("./hash.worker.js", import.meta.url), { type: "module" }),
      waiting: new Map<number, Waiting>(),
    }));
  } catch {
    return [];
  }
}
