// Which tab a folder belongs to, and what only that tab does with it: compare its files with what has been uploaded,
// record in the journal that it is unfinished, and abort.

import type { Api } from "./api.ts";
import type { Notice } from "./events.ts";
import type { FolderList } from "./folder-list.ts";
import { abortFolder, folderId, heldFiles, skipHeld } from "./held-files.ts";
import type { JournalEntry } from "./ports.ts";
import { NEVER } from "./promises.ts";
import { Reporter } from "./reporter.ts";
import { MAX_ATTEMPTS, makeRetry, type Retry } from "./retry.ts";
import { Waiting } from "./waiting.ts";

/** Milliseconds until uploads that were being created during the abort are there to be aborted. */
const SETTLE = 1000;

export class FolderOwnership {
  readonly #id: string;
  readonly #reporter: Reporter;
  readonly #waiting: Waiting;
  readonly #retry: Retry;
  #release: (() => void) | null = null;
  /** Whether the files have been compared since the folder belongs to this tab. */
  #isCompared = false;
  /** Whether another tab may have uploaded files of it since it was chosen here. */
  #wasElsewhere = false;
  /** The last call of `take`, which may go on for a moment after it was aborted. */
  #taking: Promise<void> = Promise.resolve();

  constructor(
    readonly api: Api,
    readonly destination: string,
    /** The name of the folder. */
    readonly name: string,
    /** Called when the notice has changed. */
    onchange: () => void,
  ) {
    const { clock, connection } = api.environment;
    this.#id = folderId(destination, name);
    this.#reporter = new Reporter(clock, onchange);
    this.#waiting = new Waiting(clock, this.#reporter.notify);
    this.#retry = makeRetry({ connection, waiting: this.#waiting }, { attempts: MAX_ATTEMPTS });
  }

  /** Why `take` waits: for another tab, or for the backend. */
  get notice(): Notice | null {
    return this.#reporter.notice;
  }

  /** Ends the wait before the next attempt. */
  tryNow(): void {
    this.#waiting.tryNow();
  }

  /**
   * Waits until no other tab has the folder, and marks the files as skipped that have been uploaded. Does nothing if
   * that has been done since this tab has it. Rejects with UploadError, or with the signal's reason.
   */
  take(list: FolderList, signal: AbortSignal): Promise<void> {
    this.#reporter.notify(null); // A pause leaves the notice as it was.
    const taking = this.#taking.then(() => this.#take(list, signal));
    this.#taking = taking.catch(() => {
      this.#wasElsewhere ||= this.#release === null;
    });
    return taking;
  }

  /** Lets the next tab have the folder. */
  release(): void {
    this.#release?.();
    this.#release = null;
    this.#wasElsewhere = true;
    this.#isCompared = false;
  }

  /** Records that the folder is unfinished, unless another tab has it. */
  record(entry: Omit<JournalEntry, "id" | "destination" | "fingerprint">): void {
    const { destination } = this;
    if (this.#release)
      void this.api.environment.journal.record({ id: this.#id, destination, fingerprint: null, ...entry });
  }

  /** Aborts what is unfinished, and lets the next tab have the folder; nothing if another has it. Rejects with UploadError. */
  async abort(): Promise<void> {
    await this.#taking;
    if (!(await this.#lock(false, NEVER))) return;
    const abort = () => abortFolder(this.api, this.destination, this.name);
    await this.#retry(abort, NEVER);
    await this.api.environment.clock.sleep(SETTLE, NEVER);
    await this.#retry(abort, NEVER);
    void this.api.environment.journal.forget(this.#id);
    this.release();
  }

  /** All files are uploaded. `hasLeftovers`: files of one request may have begun here that will not be completed. */
  async complete(hasLeftovers: boolean): Promise<void> {
    void this.api.environment.journal.forget(this.#id);
    // If it fails, they expire.
    if (hasLeftovers || this.#wasElsewhere)
      await abortFolder(this.api, this.destination, this.name, "single").catch(() => {});
    this.release();
  }

  async #take(list: FolderList, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!(await this.#lock(false, signal))) {
      this.#wasElsewhere = true;
      this.#reporter.notify("another_tab");
      await this.#lock(true, signal);
      this.#reporter.notify(null);
    }
    if (this.#isCompared) return;
    const entries = await this.api.environment.journal.list();
    const wasInterrupted = this.#wasElsewhere || entries.some(({ id }) => id === this.#id);
    const get = () => heldFiles(this.api, this.destination, this.name, wasInterrupted, signal);
    await skipHeld(list, await this.#retry(get, signal), this.api, signal);
    this.#isCompared = true;
  }

  async #lock(wait: boolean, signal: AbortSignal): Promise<boolean> {
    if (this.#release) return true;
    const release = await this.api.environment.locks.acquire(this.#id, wait, signal);
    if (signal.aborted) release?.(); // A lock that came too late is released at once.
    signal.throwIfAborted();
    this.#release = release;
    return release !== null;
  }
}
