// The work of one upload, from its file to the completed object: prepare, send, complete.
// upload.ts has its states and its events.

import type { RemoteUpload } from "./api.ts";
import { isGone, UploadError } from "./errors.ts";
import { hasEndedWithoutObject, outcomeElsewhere } from "./outcome-elsewhere.ts";
import type { Preparation, PreparationSettings } from "./preparation.ts";
import type { Retry } from "./retry.ts";
import type { StateEvent } from "./states.ts";
import type { Transfer } from "./transfer.ts";
import type { Waiting } from "./waiting.ts";

interface RunPorts {
  readonly waiting: Waiting;
  readonly retry: Retry;
  move(event: StateEvent): void;
  onprogress(): void;
}

/** How often parts that OSS turns out to lack are sent again, and an upload begins again as a new one. */
const MAX_ROUNDS = 5;

export class UploadRun {
  /** Null until the backend has created the upload, and after its end. */
  transfer: Transfer | null = null;
  /** Whether the file is opened again, and the upload with it. */
  #mustOpen = false;
  /** Whether the backend has given the upload up. */
  #hasFailed = false;
  /** Whether OSS must be asked for its parts before more are sent. */
  #mustInspect = false;

  constructor(
    readonly settings: PreparationSettings,
    readonly preparation: Preparation,
    readonly ports: RunPorts,
  ) {}

  /** Resolves with the completed upload. Rejects with UploadError, or with the signal's reason. */
  async run(signal: AbortSignal): Promise<RemoteUpload> {
    const completed = await this.preparation.lock(signal);
    if (completed) return completed;
    const transfer = await this.#prepare(signal);
    this.ports.move("start");
    this.ports.onprogress();
    return this.#sendAll(transfer, signal);
  }

  /** Called before it runs again, after a pause or a failure. */
  resume(error: UploadError | null): void {
    const hasFailed = this.#hasFailed && !this.preparation.isStream;
    if (hasFailed || error?.code === "file_changed") {
      const isOther = hasFailed || error?.sentence === "file_changed";
      this.preparation.reopen(this.transfer?.remote.id ?? null, isOther);
      this.#mustOpen = true;
    }
    this.#hasFailed = false;
    // A part whose request was aborted may have arrived: asking OSS is cheaper than sending it again.
    this.#mustInspect = true;
  }

  /**
   * How an upload ended that is gone, as `error` says: for one that has failed, why. Null when the backend takes it for
   * unfinished, or does not answer.
   */
  async outcome(
    id: string,
    error: UploadError,
    signal: AbortSignal,
  ): Promise<RemoteUpload | UploadError | null> {
    const outcome = await outcomeElsewhere(() =>
      this.ports.retry(() => this.settings.api.get(id, signal), signal),
    );
    if (outcome instanceof UploadError || outcome?.state !== "failed") return outcome;
    this.#hasFailed = true;
    const recorded = outcome.error;
    return recorded && recorded.code !== error.code
      ? new UploadError({ ...recorded, sentence: null })
      : error;
  }

  async #prepare(signal: AbortSignal): Promise<Transfer> {
    const known = this.#mustOpen ? null : this.transfer;
    const transfer = known ?? (await this.preparation.open(signal));
    this.transfer = transfer;
    this.#mustOpen = false;
    signal.throwIfAborted();
    if (this.#mustInspect) await this.ports.retry(() => transfer.inspect(signal), signal);
    this.#mustInspect = false;
    return transfer;
  }

  async #sendAll(first: Transfer, signal: AbortSignal): Promise<RemoteUpload> {
    let transfer = first;
    for (let round = 1; ; round++) {
      if (!transfer.isAtEnd) {
        if (!(await this.#send(transfer, signal, round < MAX_ROUNDS))) {
          transfer = await this.#prepare(signal);
          continue;
        }
        signal.throwIfAborted();
      }
      this.ports.onprogress();
      this.ports.move("finish");
      const result = await transfer.complete(signal, round === MAX_ROUNDS);
      if (!Array.isArray(result)) return result;
      this.ports.move("reopen");
    }
  }

  /** Resolves with false once the upload has been aborted, because the file must be sent as a new one. */
  async #send(transfer: Transfer, signal: AbortSignal, mayRestart: boolean): Promise<boolean> {
    try {
      if (!(await transfer.send(signal, mayRestart))) {
        // A slow line gets an upload with smaller parts, and a damaged file in one request another object.
        this.#mustOpen = true; // Also where a pause comes before the abort has been answered.
        // What OSS did not abort, the sweep aborts. An upload that is gone may have been completed.
        await this.preparation.discard(transfer.remote.id, signal, isGone);
        this.transfer = null;
        return false;
      }
      await this.preparation.assertUnchanged();
    } catch (error) {
      if (!this.#isTaken(error)) throw error;
      this.#mustOpen = false;
      transfer.load(null);
    }
    return true;
  }

  /**
   * Whether the backend signs and aborts nothing more, mostly because somebody else has begun to complete. Asking to
   * complete, too, tells how that ends, or what is missing. Not for a stream: it may have more than what was completed.
   */
  #isTaken(error: unknown): boolean {
    const { code, errors } = error as Partial<UploadError>;
    const isWrong = code === "wrong_state" && !this.preparation.isStream;
    return isWrong && !hasEndedWithoutObject((errors as { state?: unknown } | undefined)?.state);
  }
}
