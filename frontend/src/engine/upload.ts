// One upload: its state, its events, and what callers may do with it.
// `state` is written in #move alone, by the table of states.ts.
// README.md beside this file lists the modules that a part passes, in order.

import type { RemoteUpload } from "./api.ts";
import { AbortedError, asUploadError, isGone, UploadError } from "./errors.ts";
import {
  CheckpointEvent,
  type Notice,
  PartEvent,
  StateChangeEvent,
  type UploadCheckpoint,
  UploadEvent,
  UploadEventTarget,
} from "./events.ts";
import { Paused } from "./line.ts";
import type { UploadOptions } from "./options.ts";
import { type LazySource, Preparation, type PreparationSettings } from "./preparation.ts";
import type { Progress } from "./progress.ts";
import { deferred, NEVER } from "./promises.ts";
import type { QueueEntry, UploadQueue } from "./queue.ts";
import { Reporter } from "./reporter.ts";
import { makeRetry } from "./retry.ts";
import { UploadRun } from "./run.ts";
import { isActive, isOver, next, type State, type StateEvent } from "./states.ts";
import { Waiting } from "./waiting.ts";

export interface UploadSettings extends PreparationSettings {
  readonly queue: UploadQueue;
  /** Rejects with FileError for a file that the page refuses. */
  readonly allowed?: Promise<void>;
  /** Called with each event after the upload's own listeners. */
  onevent(event: UploadEvent): void;
}

/** Creates an upload and puts it into the queue. Internal: pages call `OssUploader.upload`. */
export let createUpload: (
  file: Blob | LazySource,
  settings: UploadSettings,
  options: UploadOptions,
) => Upload;

/**
 * One upload of a file or stream. OssUploader creates it. Dispatches `statechange` (StateChangeEvent), `progress`
 * (UploadProgressEvent, at most ten a second), `part` (PartEvent), `checkpoint` (CheckpointEvent) and `notice`
 * (NoticeEvent).
 */
export class Upload extends UploadEventTarget {
  /** The name of the file. */
  readonly filename: string;
  /** The options that were given for this upload. */
  readonly options: UploadOptions;
  readonly #settings: UploadSettings;
  readonly #preparation: Preparation;
  readonly #queueEntry: QueueEntry;
  readonly #waiting: Waiting;
  readonly #reporter: Reporter;
  readonly #run: UploadRun;
  #state: State = "queued";
  #error: UploadError | null = null;
  #completed: RemoteUpload | null = null;
  /** Progress at the end, when the transfer is gone. */
  #finalProgress: Progress | null = null;
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #done = deferred<RemoteUpload>();

  static {
    createUpload = (file, settings, options) => new Upload(file, settings, options);
  }

  private constructor(file: Blob | LazySource, settings: UploadSettings, options: UploadOptions) {
    super();
    this.options = options;
    this.#settings = settings;
    const { clock, connection } = settings.api.environment;
    this.#reporter = new Reporter(clock, (event) => this.#dispatch(event));
    this.#waiting = new Waiting(clock, this.#reporter.notify);
    const retry = makeRetry({ connection, waiting: this.#waiting }, settings.limits);
    this.#preparation = new Preparation(settings, file, {
      filename: options.filename,
      handle: options.handle,
      waiting: this.#waiting,
      retry,
      onprogress: () => this.#dispatchProgress(),
      onpart: (arrival) => {
        this.#dispatch(new PartEvent(arrival));
        this.#dispatch(new CheckpointEvent());
      },
    });
    this.#run = new UploadRun(settings, this.#preparation, {
      waiting: this.#waiting,
      retry,
      move: (event) => this.#move(event),
      onprogress: () => this.#dispatchProgress(true),
    });
    this.filename = this.#preparation.filename;
    const { share } = this.#preparation;
    this.#queueEntry = { upload: this, share, start: () => this.#start() };
    this.#dispatch(new UploadEvent("accepted"));
    this.#enqueue();
  }

  /** A file that is refused fails at once. */
  #enqueue(): void {
    const { allowed, queue } = this.#settings;
    const waiting = (start: () => void) => () => this.#state === "queued" && start();
    const enter = () => queue.enter(this.#queueEntry);
    if (allowed) void allowed.then(waiting(enter), waiting(this.#queueEntry.start));
    else enter();
  }

  /** The file as it was given, or opened again after a change; for a stream an empty Blob of its type. */
  get file(): Blob {
    return this.#preparation.file;
  }

  /** Whether the size was known from the start; false for a stream. */
  get sized(): boolean {
    return !this.#preparation.isStream;
  }

  /** The state of the upload. */
  get state(): State {
    return this.#state;
  }

  /** The backend's id; null until the backend has created the upload. */
  get id(): string | null {
    return this.#completed?.id ?? this.#run.transfer?.remote.id ?? null;
  }

  /** Why the upload failed; null unless `state` is "failed". */
  get error(): UploadError | null {
    return this.#error;
  }

  /** Why the upload waits; null while it does not. The seconds that are left, `facts.wait`, are those of now. */
  get notice(): Notice | null {
    return this.#reporter.notice;
  }

  /** Tries at once what would be tried again after `notice.facts.wait` seconds. Does nothing while nothing waits. */
  tryNow(): void {
    this.#waiting.tryNow();
  }

  /** Bytes, speed and time left. */
  get progress(): Progress {
    const none = { kept: 0, loaded: 0, total: this.file.size, ratio: 0, speed: null, eta: null };
    return this.#run.transfer?.progress ?? this.#finalProgress ?? none;
  }

  /**
   * What another page of the same user needs to resume the upload, as JSON. Null before the backend has created it, after
   * its end, and for a stream.
   */
  checkpoint(): UploadCheckpoint | null {
    return this.#run.transfer?.snapshot() ?? null;
  }

  /**
   * Resolves with the completed upload. Rejects with the UploadError of a failure, or with AbortedError. After `resume()`
   * of a failed upload it is a new promise.
   */
  get done(): Promise<RemoteUpload> {
    return this.#done.promise;
  }

  /**
   * Keeps finished parts, waits a few seconds for those that are nearly sent, and aborts all other requests. Does nothing
   * when already paused. Throws IllegalTransition unless `can(state, "pause")`.
   */
  pause(): void {
    if (this.#state === "paused") return;
    this.#move("pause");
    this.#stop.abort(new Paused());
    void this.#running.then(() => this.#checkpoint());
  }

  /**
   * Continues after a pause or a failure. A file that has changed is uploaded anew. Does nothing while the upload is
   * queued or active. Throws IllegalTransition unless `can(state, "resume")`.
   */
  resume(): void {
    if (this.#state === "queued" || isActive(this.#state)) return;
    if (this.#state === "failed") this.#done = deferred();
    this.#run.resume(this.#error);
    this.#move("resume");
    this.#enqueue();
  }

  /**
   * Aborts the upload here, at the backend and at OSS. Resolves when that is done, or when the upload has been completed
   * first. Rejects with UploadError when the backend cannot be reached or refuses.
   */
  async abort(): Promise<void> {
    if (this.#state === "aborted" || this.#state === "aborting") return;
    this.#move("abort");
    this.#stop.abort(new AbortedError());
    this.#run.transfer?.pace?.cut();
    await this.#preparation.cancel(new AbortedError());
    await this.#running;
    if (isOver(this.#state)) return; // The upload ended first.
    try {
      const { id } = this;
      if (id) await this.#preparation.abort(id, NEVER);
      this.#endAborted(new AbortedError());
    } catch (error) {
      await this.#fail(error, NEVER);
      if (this.#error) throw Object.assign(this.#error, { aborting: true });
    }
  }

  /** Called by the queue when there is room. */
  #start(): void {
    this.#move("begin");
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#running = this.#running.then(() => this.#work(signal));
  }

  async #work(signal: AbortSignal): Promise<void> {
    try {
      await this.#settings.allowed;
      this.#complete(await this.#run.run(signal));
    } catch (error) {
      // Pause and abort have already set the state.
      if (!signal.aborted) await this.#fail(error, signal);
    }
  }

  #complete(result: RemoteUpload): void {
    this.#preparation.forget(result.id);
    // Another tab or device may have sent the rest.
    const total = result.size ?? this.progress.total;
    this.#finalProgress = { ...this.progress, kept: total, loaded: total, total, ratio: 1, eta: 0 };
    this.#completed = result;
    this.#run.transfer = null; // A page may keep thousands of completed uploads.
    this.#move("complete");
    this.#done.resolve(result);
  }

  #endAborted(error: AbortedError): void {
    this.#preparation.forget(this.id);
    this.#move("delete");
    this.#done.reject(error);
  }

  /** Ends the upload after an error. If the error says that the upload is gone, the backend knows how it ended. */
  async #fail(thrown: unknown, signal: AbortSignal): Promise<void> {
    let error = asUploadError(thrown);
    let outcome = this.id && isGone(error) ? await this.#run.outcome(this.id, error, signal) : null;
    if (signal.aborted) return;
    if (outcome instanceof AbortedError) {
      void this.#preparation.cancel(new AbortedError());
      return this.#endAborted(outcome);
    }
    if (outcome instanceof UploadError) [error, outcome] = [outcome, null];
    // Whoever aborts does not want the rest of a stream.
    const { source } = this.#run.transfer?.ports ?? {};
    const shortfall = outcome && this.#state !== "aborting" && source?.shortfall?.(outcome);
    if (outcome && !shortfall) this.#complete(outcome);
    else {
      this.#error = shortfall || error;
      this.#move("fail");
      this.#done.reject(this.#error);
      this.#checkpoint();
    }
  }

  #move(event: StateEvent): void {
    const previous = this.#state;
    this.#state = next(previous, event);
    if (event !== "fail") this.#error = null;
    this.#reporter.notify(null);
    if (this.#state !== "queued" && !isActive(this.#state)) {
      this.#settings.queue.leave(this.#queueEntry);
      // During an abort another tab would resume the upload that is about to be deleted; after a pause a part may be sent.
      const unlock = () => this.#state !== "aborting" && this.#preparation.unlock();
      if (this.#state === "paused") void this.#running.then(unlock);
      else unlock();
    }
    this.#dispatch(new StateChangeEvent(this.#state, previous, this.#error));
  }

  /** For the list of unfinished uploads and for other devices; OSS knows its parts in any case. */
  #checkpoint(): void {
    this.#dispatchProgress(true);
    this.#run.transfer?.checkpoint(NEVER).catch(() => {});
  }

  #dispatch(event: UploadEvent): void {
    Object.assign(event, { upload: this });
    this.dispatchEvent(event);
    this.#settings.onevent(event);
  }

  #dispatchProgress(always = false): void {
    this.#reporter.progress(() => this.progress, always);
  }
}
