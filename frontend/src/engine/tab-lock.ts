// The lock of one upload among the tabs of a browser: no two tabs send the same file, or keep the same stream.

import type { Api, RemoteUpload } from "./api.ts";
import { lockName } from "./fingerprint.ts";
import type { Retry } from "./retry.ts";
import type { Waiting } from "./waiting.ts";

export class TabLock {
  #release = () => {};

  constructor(
    readonly settings: { readonly api: Api; readonly destination: string },
    readonly ports: { readonly waiting: Waiting; readonly retry: Retry },
  ) {}

  /** Waits while another tab has the lock. Rejects with the signal's reason. */
  async take(name: string, signal: AbortSignal): Promise<void> {
    if (!(await this.#acquire(name, false, signal))) await this.#wait(name, signal);
  }

  /** The lock of a file. Resolves with the upload that another tab has completed meanwhile. */
  async takeFile(fingerprint: string, signal: AbortSignal): Promise<RemoteUpload | null> {
    const { api, destination } = this.settings;
    const name = lockName(destination, fingerprint);
    if (await this.#acquire(name, false, signal)) return null;
    const query = { destination, fingerprint, state: "completed" };
    const completed = async () => {
      const found = await this.ports.retry(() => api.list(query, signal), signal);
      return found.filter((upload) => upload.fingerprint === fingerprint);
    };
    const before = new Set((await completed()).map(({ id }) => id));
    await this.#wait(name, signal);
    return (await completed()).find(({ id }) => !before.has(id)) ?? null;
  }

  release(): void {
    this.#release();
    this.#release = () => {};
  }

  async #wait(name: string, signal: AbortSignal): Promise<void> {
    this.ports.waiting.notify("another_tab");
    await this.#acquire(name, true, signal);
    this.ports.waiting.notify(null);
  }

  async #acquire(name: string, wait: boolean, signal: AbortSignal): Promise<boolean> {
    const release = await this.settings.api.environment.locks.acquire(name, wait, signal);
    if (signal.aborted) release?.(); // A lock that came too late is released at once.
    signal.throwIfAborted();
    if (release) this.#release = release;
    return release !== null;
  }
}
