// A device and its tabs: the engine's environment, with everything that a browser shares among tabs.

import type {
  Clock,
  Connection,
  Environment,
  Hasher,
  Journal,
  JournalEntry,
  Locks,
  SendRequest,
} from "../../src/engine/ports.ts";
import { OssUploader } from "../../src/engine/uploader.ts";
import { MemoryStreamStore } from "../stream-store.ts";
import type { ModelBackend } from "./backend.ts";
import { BackendCall, callOf } from "./call.ts";
import { type ModelOss, type OnItsWay, OTHER_HOST, type Sending } from "./oss.ts";
import type { Faults, Plan } from "./plan.ts";
import { crc64Of, type MemoryBlob } from "./platform.ts";
import type { Scheduler } from "./scheduler.ts";

interface Waiting {
  readonly tab: Tab;
  grant(): void;
}

/** What the tabs of one browser share. */
export class Device {
  isOnline = true;
  storageWorks = true;
  workerWorks = true;
  readonly journal = new Map<string, JournalEntry>();
  readonly disk = new MemoryStreamStore();
  readonly locks = new Map<string, { holder: Tab; waiting: Waiting[] }>();
  readonly tabs: Tab[] = [];

  constructor(
    readonly scheduler: Scheduler,
    readonly plan: Plan,
    readonly faults: Faults,
    readonly oss: ModelOss,
    readonly backend: ModelBackend,
  ) {}

  open(): Tab {
    const tab = new Tab(this, this.tabs.length);
    this.tabs.push(tab);
    return tab;
  }

  goOffline(): void {
    this.isOnline = false;
    for (const tab of this.tabs) for (const request of [...tab.requests]) request.lose();
  }

  goOnline(): void {
    this.isOnline = true;
    this.oss.oracle.callsOffline.clear();
    for (const tab of this.tabs) for (const resume of tab.waitingForNetwork.splice(0)) resume();
  }

  release(name: string): void {
    const lock = this.locks.get(name);
    const next = lock?.waiting.shift();
    if (!lock || !next) this.locks.delete(name);
    else {
      lock.holder = next.tab;
      next.grant();
    }
  }
}

/** One tab: the real engine over the models. */
export class Tab implements Environment, Sending {
  isAlive = true;
  readonly requests = new Set<OnItsWay>();
  readonly lost = new Set<OnItsWay>();
  readonly waitingForNetwork: (() => void)[] = [];
  readonly #timers = new Set<() => void>();
  readonly origin = "https://page.test";
  readonly uploader: OssUploader;

  constructor(
    readonly device: Device,
    readonly id: number,
  ) {
    const { parallel, signing, integrity, batches, partSize } = device.plan;
    const small = batches ? partSize : -1;
    // The page does not expect that a file of exactly one part goes in one request.
    const wish = { partSize: partSize - 1 };
    this.uploader = new OssUploader({ parallel, signing, integrity, small, ...wish }, this);
  }

  get isOnline(): boolean {
    return this.device.isOnline;
  }

  readonly noticesChanges = () => this.device.plan.notices;

  /** Runs an event of this tab, unless the tab ends before. */
  after(milliseconds: number, run: () => void): () => void {
    const cancel = this.device.scheduler.after(milliseconds, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
    return () => {
      this.#timers.delete(cancel);
      cancel();
    };
  }

  /** What the engine still waits for. */
  get pending(): number {
    return this.#timers.size + this.requests.size;
  }

  /** Ends the tab: nothing of it runs any more, and the browser releases its locks. */
  kill(): void {
    this.isAlive = false;
    for (const request of [...this.requests]) request.cut();
    for (const cancel of this.#timers) cancel();
    this.waitingForNetwork.length = 0;
    for (const [name, lock] of [...this.device.locks]) {
      lock.waiting = lock.waiting.filter(({ tab }) => tab !== this);
      if (lock.holder === this) this.device.release(name);
    }
  }

  readonly cookie = () => "";

  readonly clock: Clock = {
    now: () => this.device.scheduler.now,
    random: () => this.device.scheduler.random(),
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const abort = () => {
          cancel();
          reject(signal.reason);
        };
        const cancel = this.after(milliseconds, () => {
          signal.removeEventListener("abort", abort);
          resolve();
        });
        signal.addEventListener("abort", abort, { once: true });
      }),
  };

  readonly connection: Connection = Object.defineProperty(
    {
      whenOnline: (signal: AbortSignal) =>
        new Promise<void>((resolve, reject) => {
          if (this.isOnline) return resolve();
          this.waitingForNetwork.push(resolve);
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        }),
      reaches: (origin: string) =>
        new Promise<boolean>((resolve) => {
          const isDead = this.device.plan.other === "dead" && origin === OTHER_HOST;
          this.after(20, () => resolve(this.isOnline && !isDead));
        }),
    } as unknown as Connection,
    "online",
    { get: () => this.isOnline },
  );

  readonly transport = { send: (request: SendRequest) => this.device.oss.send(this, request) };

  /** A dead worker's work is done by the page, later. */
  readonly hasher: Hasher = {
    hash: (algorithm, blob) =>
      new Promise((resolve, reject) => {
        const { scheduler, workerWorks, plan } = this.device;
        const longest = plan.hashesSlowly ? 60 : 15;
        const memory = blob as unknown as MemoryBlob;
        const later = (work: () => void) =>
          this.after(workerWorks ? scheduler.between(1, longest) : 1000, () => {
            try {
              work();
            } catch (error) {
              reject(error);
            }
          });
        later(() => {
          const before = memory.read();
          later(() => {
            const crc64 = crc64Of(memory.readRest(before));
            resolve(algorithm === "md5" ? `md5-${crc64}` : crc64);
          });
        });
      }),
  };

  /** The browser answers a moment later, also when the engine no longer needs the lock. */
  readonly locks: Locks = {
    idle: async (name, signal) => (await this.locks.acquire(name, true, signal))?.(),
    acquire: (name, wait, signal) =>
      new Promise((resolve, reject) => {
        this.after(this.device.scheduler.between(0, 4), () =>
          this.#lock(name, wait ? signal : null, resolve),
        );
        if (wait) signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      }),
  };

  #lock(name: string, waiting: AbortSignal | null, resolve: (release: (() => void) | null) => void): void {
    const { locks } = this.device;
    let held = true;
    const release = () => {
      if (held && this.isAlive) this.device.release(name);
      held = false;
    };
    const lock = locks.get(name);
    if (waiting?.aborted) return;
    if (!lock) {
      locks.set(name, { holder: this, waiting: [] });
      resolve(release);
    } else if (waiting) {
      const place = { tab: this, grant: () => resolve(release) };
      lock.waiting.push(place);
      const leave = () => {
        lock.waiting = lock.waiting.filter((other) => other !== place);
      };
      waiting.addEventListener("abort", leave, { once: true });
    } else resolve(null);
  }

  readonly journal: Journal = {
    list: async () => (this.device.storageWorks ? [...this.device.journal.values()] : []),
    record: async (entry) => {
      if (this.device.storageWorks) this.device.journal.set(entry.id, entry);
    },
    forget: async (id) => {
      if (this.device.storageWorks) this.device.journal.delete(id);
    },
  };

  readonly streamStore = async () => {
    this.device.disk.isFull = !this.device.storageWorks;
    return this.device.disk;
  };

  readonly fetch = ((input: string, init: RequestInit = {}) =>
    new Promise<Response>((resolve, reject) => {
      if (init.signal?.aborted) return reject(init.signal.reason);
      new BackendCall(this, callOf(input, init), resolve, reject).start(init.signal);
    })) as typeof fetch;
}
