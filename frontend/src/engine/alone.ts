// One file, one tab: whoever comes second watches, and takes over what the first leaves.
// Its one rule: what was given too late, after its owner was stopped, is given back at once.

import type { Api, RemoteUpload } from "./api.ts";
import { type Patience, persist } from "./retry.ts";

export interface AloneOptions {
  readonly api: Api;
  readonly destination: string;
  /** How to wait for the backend, and whom to tell what is waited for. */
  patience(signal: AbortSignal): Patience;
}

export class Alone {
  #unlock = () => {};

  constructor(readonly options: AloneOptions) {}

  /**
   * Waits until no other tab is uploading this file. What another tab has completed meanwhile is given, as the end of
   * this one too; what it left is there to be taken up.
   */
  async take(fingerprint: string, signal: AbortSignal): Promise<RemoteUpload | null> {
    const { api, destination } = this.options;
    const patience = this.options.patience(signal);
    const name = `${destination} ${fingerprint}`;
    if (await this.#lock(name, false, signal)) return null;
    const completed = async () => {
      const known = await api.list({ destination, fingerprint, state: "completed" }, signal);
      return known.filter((upload) => upload.fingerprint === fingerprint);
    };
    const before = new Set((await persist(completed, patience)).map(({ id }) => id));
    patience.tell("another_tab");
    await this.#lock(name, true, signal);
    patience.tell(null);
    const after = await persist(completed, patience);
    return after.find(({ id }) => !before.has(id)) ?? null;
  }

  /** The next tab may have it. */
  leave(): void {
    this.#unlock();
    this.#unlock = () => {};
  }

  async #lock(name: string, wait: boolean, signal: AbortSignal): Promise<boolean> {
    const free = await this.options.api.world.locks.take(name, wait, signal);
    if (signal.aborted) free?.();
    signal.throwIfAborted();
    if (free) this.#unlock = free;
    return free !== null;
  }
}
