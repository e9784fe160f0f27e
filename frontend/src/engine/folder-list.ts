// The files of a folder while it is uploaded: which are waiting, done, skipped or failed.
// There may be 100,000, so that a file costs a few bytes here, and its File is released when it is done.

import { LoginError, type UploadError } from "./errors.ts";

/** A file of a folder. */
export interface FolderFile {
  /** The file itself. */
  readonly file: File;
  /** Begins with the folder's name: `holiday/day 1/beach.jpg`. */
  readonly path: string;
}

/** The state of one file of a folder. */
export type FileState = "waiting" | "active" | "completed" | "skipped" | "failed";

const STATES: readonly FileState[] = ["waiting", "active", "completed", "skipped", "failed"];

/** The files of a folder, by number, and their states. */
export class FolderList {
  /** The number of the files. */
  readonly count: number;
  /** The bytes of all files. */
  readonly bytes: number;
  readonly #files: (File | null)[];
  readonly #paths: readonly string[];
  readonly #sizes: Float64Array;
  readonly #states: Uint8Array;
  readonly #numbers: Record<FileState, number>;
  readonly #errors = new Map<number, UploadError>();
  readonly #ids: string[] = [];
  #bytesDone = 0;
  #next = 0;
  /** Files that wait again, after a retry. */
  #again: number[] = [];

  constructor(files: readonly FolderFile[]) {
    this.count = files.length;
    this.#files = files.map(({ file }) => file);
    this.#paths = files.map(({ path }) => path);
    this.#sizes = Float64Array.from(files, ({ file }) => file.size);
    this.#states = new Uint8Array(files.length);
    this.#numbers = { waiting: files.length, active: 0, completed: 0, skipped: 0, failed: 0 };
    this.bytes = this.#sizes.reduce((sum, size) => sum + size, 0);
  }

  /** Files that are completed, now or before. */
  get done(): number {
    return this.#numbers.completed + this.#numbers.skipped;
  }

  /** The number of the files that failed. */
  get failed(): number {
    return this.#numbers.failed;
  }

  /** Files that were there before and are not sent again. */
  get skipped(): number {
    return this.#numbers.skipped;
  }

  /** The bytes of the files that have been uploaded. */
  get bytesDone(): number {
    return this.#bytesDone;
  }

  /** Ids of the uploads of completed and skipped files. */
  get ids(): readonly string[] {
    return this.#ids;
  }

  /** Why files failed, by their numbers. */
  get errors(): ReadonlyMap<number, UploadError> {
    return this.#errors;
  }

  /** The path of a file in the folder. */
  path(index: number): string {
    return this.#paths[index] ?? "";
  }

  /** The bytes of a file. */
  size(index: number): number {
    return this.#sizes[index] ?? 0;
  }

  /** The state of a file. */
  state(index: number): FileState {
    return STATES[this.#states[index] ?? 0] ?? "waiting";
  }

  /** Throws RangeError for a file that is done. */
  file(index: number): File {
    const file = this.#files[index];
    if (!file) throw new RangeError(`File ${index} is done`);
    return file;
  }

  /** The next waiting file, which becomes active. */
  take(): number | undefined {
    while (this.#again.length > 0 || this.#next < this.count) {
      const index = this.#again.shift() ?? this.#next++;
      if (this.state(index) !== "waiting") continue; // Another tab has uploaded it meanwhile.
      this.#set(index, "active");
      return index;
    }
    return undefined;
  }

  /** Records that a file was uploaded, or was there already. */
  finish(index: number, id: string, state: "completed" | "skipped"): void {
    this.#set(index, state);
    this.#ids.push(id);
    this.#bytesDone += this.size(index);
    this.#files[index] = null;
  }

  /** Records why a file failed. */
  fail(index: number, error: UploadError): void {
    this.#set(index, "failed");
    this.#errors.set(index, error);
  }

  /** Lets the failed files wait again for which `may` is true. */
  retry(may: (error: UploadError) => boolean): void {
    for (const [index, error] of this.#errors) {
      if (!may(error)) continue;
      this.#errors.delete(index);
      this.putBack(index);
    }
  }

  /** Lets a file wait again. */
  putBack(index: number): void {
    this.#set(index, "waiting");
    this.#again.push(index);
  }

  #set(index: number, state: FileState): void {
    this.#numbers[this.state(index)] -= 1;
    this.#numbers[state] += 1;
    this.#states[index] = STATES.indexOf(state);
  }
}

/** Whether the error is one of the file itself, so that repeating is of no use. */
export function isFinal(error: UploadError): boolean {
  return !(error instanceof LoginError) && /^(inv|rej|too)/.test(error.code);
}
