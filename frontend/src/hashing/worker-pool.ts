// Pools of hashing workers, started at the first use. Where workers are not available, the page itself hashes.

import { codeUnreachable } from "../engine/errors.ts";
import { importLate } from "../engine/late.ts";
import type { Hasher } from "../engine/ports.ts";
import { NEVER } from "../engine/promises.ts";
import type { Retry } from "../engine/retry.ts";
import type { HashResponse } from "./worker-protocol.ts";

/** One core is left to the page and the network. */
const MAX_WORKERS = 3;

interface Pending {
  readonly blob: Blob;
  resolve(value: string): void;
  reject(error: unknown): void;
}

interface PooledWorker {
  readonly worker: Worker;
  readonly pending: Map<number, Pending>;
}

export class Pool {
  #workers: PooledWorker[] | null = null;
  #hasSpawnedAgain = false;
  #lastId = 0;

  constructor(
    readonly createWorker: () => Worker,
    /** Hashes in the page. The code is loaded only where it is needed. */
    readonly hashInPage: (blob: Blob) => Promise<string>,
  ) {}

  hash(blob: Blob): Promise<string> {
    const cores = navigator.hardwareConcurrency || 2;
    this.#workers ??= this.#spawn(Math.max(2, Math.min(MAX_WORKERS, cores - 1)));
    const [leastBusy] = [...this.#workers].sort((a, b) => a.pending.size - b.pending.size);
    if (!leastBusy) return this.#inPage(blob);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      leastBusy.pending.set(id, { blob, resolve, reject });
      leastBusy.worker.postMessage({ id, blob });
    });
  }

  /** Gives no workers where a content security policy forbids them or the browser has none. */
  #spawn(count: number): PooledWorker[] {
    try {
      return Array.from({ length: count }, () => this.#spawnOne());
    } catch {
      return [];
    }
  }

  #spawnOne(): PooledWorker {
    const pooled: PooledWorker = { worker: this.createWorker(), pending: new Map() };
    const discard = () => this.#discard(pooled);
    pooled.worker.onmessage = ({ data }: MessageEvent<HashResponse>) => settle(pooled.pending, data);
    pooled.worker.onerror = discard;
    pooled.worker.onmessageerror = discard;
    return pooled;
  }

  /** Removes a broken worker. The page hashes what was pending. */
  #discard(broken: PooledWorker): void {
    this.#workers = (this.#workers ?? []).filter((pooled) => pooled !== broken);
    broken.worker.terminate();
    for (const { blob, resolve, reject } of broken.pending.values()) {
      this.#inPage(blob).then(resolve, reject);
    }
    broken.pending.clear();
  }

  /** Now that the page's code is there, that of the workers may be, too: they are tried once more. */
  async #inPage(blob: Blob): Promise<string> {
    const value = await this.hashInPage(blob);
    if (this.#workers?.length === 0 && !this.#hasSpawnedAgain) {
      this.#hasSpawnedAgain = true;
      this.#workers = null;
    }
    return value;
  }
}

function settle(pending: Map<number, Pending>, { id, value, error }: HashResponse): void {
  const request = pending.get(id);
  pending.delete(id);
  if (value === undefined) request?.reject(new Error(error));
  else request?.resolve(value);
}

/** Rejects with NetworkError where the page's own code cannot be loaded either. */
export class WorkerPool implements Hasher {
  // ".js": TypeScript rewrites extensions in imports alone, and Vite finds the .ts files behind these names.
  readonly #pools = {
    crc64: new Pool(
      () => new Worker(new URL("./crc64.worker.js", import.meta.url), { type: "module" }),
      async (blob) =>
        (await this.#load(() => importLate(() => import("./crc64-of-blob.ts"), "crc64Of")))(blob),
    ),
    md5: new Pool(
      () => new Worker(new URL("./md5.worker.js", import.meta.url), { type: "module" }),
      async (blob) => (await this.#load(() => importLate(() => import("./md5-of-blob.ts"), "md5Of")))(blob),
    ),
  };

  constructor(readonly retry: Retry) {}

  hash(algorithm: "crc64" | "md5", blob: Blob): Promise<string> {
    return this.#pools[algorithm].hash(blob);
  }

  #load<T>(load: () => Promise<T>): Promise<T> {
    return this.retry(() => load().catch(codeUnreachable), NEVER);
  }
}
