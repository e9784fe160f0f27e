// What happens before the first file of a folder is sent: the lock among tabs, and what the backend knows of the folder.

import type { Api } from "./api.ts";
import type { Notice } from "./events.ts";
import type { FolderList } from "./folder-list.ts";
import { folderId, heldFiles, skipHeld } from "./held-files.ts";
import { Reporter } from "./reporter.ts";
import { MAX_ATTEMPTS, makeRetry, type Retry } from "./retry.ts";
import { TabLock } from "./tab-lock.ts";
import { Waiting } from "./waiting.ts";

export class FolderPreparation {
  /** Repeats the folder's own calls. */
  readonly retry: Retry;
  readonly #api: Api;
  readonly #reporter: Reporter;
  readonly #waiting: Waiting;
  readonly #lock: TabLock;
  #done = false;

  constructor(
    api: Api,
    readonly destination: string,
    /** The name of the folder. */
    readonly name: string,
    /** Called when the notice has changed. */
    onchange: () => void,
  ) {
    const { clock, connection } = api.environment;
    this.#api = api;
    this.#reporter = new Reporter(clock, onchange);
    this.#waiting = new Waiting(clock, this.#reporter.notify);
    this.retry = makeRetry({ connection, waiting: this.#waiting }, { attempts: MAX_ATTEMPTS });
    this.#lock = new TabLock({ api, destination }, { waiting: this.#waiting, retry: this.retry });
  }

  /** Why it waits: for another tab, or for the backend. */
  get notice(): Notice | null {
    return this.#reporter.notice;
  }

  /** Ends the wait before the next attempt. */
  tryNow(): void {
    this.#waiting.tryNow();
  }

  /**
   * Waits for other tabs, and marks the files as skipped that have been uploaded. Once that is done, another call does
   * nothing. Rejects with UploadError, or with the signal's reason.
   */
  async run(list: FolderList, signal: AbortSignal): Promise<void> {
    this.#reporter.notify(null); // A pause leaves the notice as it was.
    if (this.#done) return;
    const id = folderId(this.destination, this.name);
    await this.#lock.take(id, signal);
    try {
      await this.#skip(id, list, signal);
    } catch (error) {
      this.release(); // The next call would wait for its own lock.
      throw error;
    }
    this.#done = true;
  }

  async #skip(id: string, list: FolderList, signal: AbortSignal): Promise<void> {
    const entries = await this.#api.environment.journal.list();
    const remembered = entries.some((entry) => entry.id === id);
    const get = () => heldFiles(this.#api, this.destination, this.name, remembered, signal);
    await skipHeld(list, await this.retry(get, signal), this.#api, signal);
  }

  /** Lets the next tab upload the folder. */
  release(): void {
    this.#lock.release();
  }
}
