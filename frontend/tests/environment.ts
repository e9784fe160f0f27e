// An environment for tests of the engine: clock, network, OSS and backend in memory, as strict as the real ones.

import { expect } from "vitest";
// Lazily loaded modules are loaded here: the fake clock does not wait for imports.
import "../src/hashing/crc64.ts";
import "../src/engine/damage.ts";
import "../src/engine/addresses.ts";
import "../src/engine/diagnosis.ts";
import "../src/engine/interrupted-streams.ts";
import "../src/engine/kept-stream.ts";
import "../src/engine/live-stream.ts";
import "../src/engine/pace.ts";
import "../src/engine/pacer.ts";
import "../src/engine/resuming.ts";
import "../src/engine/sts-signer.ts";
import "../src/engine/stream.ts";
import "../src/engine/transfer.ts";
import "../src/engine/version-proof.ts";
import { Api } from "../src/engine/api.ts";
import { Bandwidth } from "../src/engine/bandwidth.ts";
import { MemoryJournal } from "../src/engine/journal.ts";
import type { UploaderOptions } from "../src/engine/options.ts";
import type { BlockedBy, Connection, Environment, Hasher, Locks } from "../src/engine/ports.ts";
import { MAX_PARALLEL, Semaphore, UploadQueue } from "../src/engine/queue.ts";
import type { State } from "../src/engine/states.ts";
import type { Upload, UploadSettings } from "../src/engine/upload.ts";
import { OssUploader } from "../src/engine/uploader.ts";
import { FakeBackend } from "./backend.ts";
import { FakeClock } from "./clock.ts";
import { crc64Of, FakeStore } from "./store.ts";
import { MemoryStreamStore } from "./stream-store.ts";

/** Years away from any device's clock: code that compares server times with the device's date fails every test. */
const SERVER_EPOCH = Date.UTC(2044, 1, 29, 12);

export class FakeConnection implements Connection {
  online = true;
  reachable = true;
  asked = 0;
  /** What the browser forbids: for any address, and for one that is taken for a private one. */
  blocked: BlockedBy | null = null;
  blockedIfPrivate: BlockedBy | null = null;
  #waiting = new Set<() => void>();

  whenOnline(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(resolve);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }

  async reaches(): Promise<boolean> {
    this.asked += 1;
    return this.reachable;
  }

  async blockedBy(_: string, isPrivate: boolean): Promise<BlockedBy | null> {
    return this.blocked ?? (isPrivate ? this.blockedIfPrivate : null);
  }

  comeBack(): void {
    this.online = true;
    for (const go of this.#waiting) go();
    this.#waiting.clear();
  }
}

export class FakeHasher implements Hasher {
  asked: string[] = [];

  async hash(algorithm: "crc64" | "md5", blob: Blob): Promise<string> {
    this.asked.push(algorithm);
    if (algorithm === "md5") return `md5-${await blob.text()}`;
    return crc64Of(blob);
  }
}

/** As the Web Locks API: first come, first served. */
export class FakeLocks implements Locks {
  #waiting = new Map<string, (() => void)[]>();

  async held(): Promise<ReadonlySet<string>> {
    return new Set(this.#waiting.keys());
  }

  async idle(name: string, signal: AbortSignal): Promise<void> {
    (await this.acquire(name, true, signal))?.();
  }

  acquire(name: string, wait: boolean, signal: AbortSignal): Promise<(() => void) | null> {
    const queue = this.#waiting.get(name);
    const release = () => {
      const next = this.#waiting.get(name)?.shift();
      if (next) next();
      else this.#waiting.delete(name);
    };
    if (!queue) {
      this.#waiting.set(name, []);
      return Promise.resolve(release);
    }
    if (!wait) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      const grant = () => resolve(release);
      queue.push(grant);
      const leave = () => {
        if (queue.includes(grant)) queue.splice(queue.indexOf(grant), 1);
        reject(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
    });
  }
}

export class TestEnvironment implements Environment {
  readonly clock = new FakeClock();
  readonly bandwidth = new Bandwidth(this.clock);
  readonly connection = new FakeConnection();
  readonly journal = new MemoryJournal();
  /** Null: the browser has none. */
  disk: MemoryStreamStore | null = new MemoryStreamStore();
  readonly streamStore = async () => this.disk;
  readonly origin = "https://page.test";
  /** Milliseconds for which the device was asleep: they pass for the server, not for the page's clock. */
  slept = 0;
  readonly serverTime = () => SERVER_EPOCH + this.clock.now() + this.slept;
  readonly store = new FakeStore(this.clock, this.serverTime);
  readonly transport = this.store;
  readonly hasher = new FakeHasher();
  locks = new FakeLocks();
  readonly backend = new FakeBackend(this.clock, this.store, this.serverTime);
  readonly fetch = this.backend.fetch;
  readonly cookie = (name: string) => (name === "csrftoken" ? "CSRF" : "");

  /** A page that has just been loaded. */
  open(options: UploaderOptions = {}): OssUploader {
    return new OssUploader({ small: -1, ...options }, this);
  }

  /** What an uploader gives its uploads. */
  settings(): UploadSettings {
    return {
      api: new Api(this),
      destination: "default",
      parallel: 4,
      signing: "url",
      integrity: "crc64",
      small: -1,
      queue: new UploadQueue(2),
      requests: new Semaphore(MAX_PARALLEL),
      bandwidth: this.bandwidth,
      line: { speed: null, partSize: null },
      metadata: {},
      limits: {},
      onevent: () => {},
    };
  }

  /** The page that sends the upload is lost: it does nothing more, and its locks are free. */
  lose(upload: Upload): void {
    upload.pause();
    this.locks = new FakeLocks();
  }

  /** Advances until the upload is in this state. */
  reach(upload: Upload, state: State): Promise<void> {
    return this.clock.until(() => upload.state === state);
  }

  /** Advances until OSS has taken so many parts. */
  arrive(count: number): Promise<void> {
    return this.clock.until(() => this.store.accepted.length >= count);
  }
}

/** A file of which no two parts are equal. */
export function fileOf(size: number, name = "film.mp4", salt = ""): File {
  let text = salt;
  for (let at = 0; text.length < size; at++) text += `${at},`;
  return new File([text.slice(0, size)], name, { type: "video/mp4", lastModified: 1 });
}

/** OSS has taken each part exactly once. */
export function expectEachOnce(environment: TestEnvironment, count: number): void {
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  expect(environment.store.accepted.toSorted((a, b) => a - b)).toEqual(numbers);
}
