// The user: chooses files, presses buttons at any moment, and in the end presses retry until every upload has ended.

import type { UploadOptions } from "../../src/engine/options.ts";
import { can } from "../../src/engine/states.ts";
import type { StreamChunk } from "../../src/engine/stream.ts";
import type { Upload } from "../../src/engine/upload.ts";
import type { Unfinished } from "../../src/engine/uploader.ts";
import type { Oracle } from "./oracle.ts";
import type { Action, PlannedFile } from "./plan.ts";
import { type Disk, MemoryFile } from "./platform.ts";
import type { Row } from "./rows.ts";
import type { Device, Tab } from "./tab.ts";

/** A file that the user wants to have uploaded. */
export class Wish {
  readonly disk: Disk;
  /** What the file has held, from its start. */
  readonly versions: Uint8Array[];
  tab: Tab | null = null;
  upload: Upload | null = null;
  /** How many uploads of the file the user has started, and how many were said to be completed. */
  uploads = 0;
  completions = 0;
  /** How often the user has started or resumed an upload of the file. */
  presses = 0;
  /** The uploads of the file that were completed when this one began to wait for another tab. */
  completedBefore: readonly Row[] | null = null;
  wantsAbort = false;
  /** The bytes of a stream that were promised to be kept; null while nobody keeps it. */
  kept: number | null = null;
  /** Nothing more is to be done: a stream whose tab has ended, or an upload that was discarded. */
  isOver = false;
  /** Presses whose effect is still awaited. */
  pending = 0;
  /** The codes of the errors with which its uploads failed. */
  readonly errors: string[] = [];

  constructor(
    readonly planned: PlannedFile,
    readonly name: string,
    salt: number,
    notices: boolean,
  ) {
    const bytes = Uint8Array.from(
      { length: planned.size },
      (_, at) => (at * 7 + (at >> 5) + salt * 31) & 0xff,
    );
    this.disk = { bytes, readable: true, modified: 1, notices, hasChangedDuring: false };
    this.versions = [bytes];
  }

  get isStream(): boolean {
    return this.planned.kind === "stream";
  }

  /** Whether nothing happens unless somebody presses something. */
  get isSettled(): boolean {
    if (this.pending > 0) return false;
    return (
      !this.upload || !this.tab || ["completed", "aborted", "failed", "paused"].includes(this.upload.state)
    );
  }

  file(): File {
    return new MemoryFile(this.disk, this.name) as unknown as File;
  }

  get handle(): FileSystemFileHandle {
    return { getFile: async () => this.file() } as FileSystemFileHandle;
  }

  /** Changes some bytes, each time to what they have never been: a change back leaves no trace. */
  change(random: () => number): void {
    const { bytes } = this.disk;
    if (this.isStream || this.versions.length > 7) return;
    const bit = 1 << this.versions.length;
    const start = Math.floor(random() * bytes.length);
    // Often not to the end: samples would show it.
    const length = random() < 0.5 ? 1 : Math.ceil(random() * (bytes.length - start));
    const end = start + length;
    this.disk.bytes = bytes.map((byte, at) => (at >= start && at < end ? byte ^ bit : byte));
    this.disk.modified += 1;
    this.versions.push(this.disk.bytes);
  }
}

export class User {
  readonly wishes: Wish[];

  constructor(
    readonly device: Device,
    readonly oracle: Oracle,
    files: readonly PlannedFile[],
  ) {
    const { notices } = device.plan;
    this.wishes = files.map((planned, index) => new Wish(planned, `file${index}`, index, notices));
    const tab = device.open();
    for (const wish of this.wishes) this.#start(wish, tab);
  }

  #start(wish: Wish, tab: Tab): void {
    const upload = wish.isStream
      ? tab.uploader.uploadStream(this.#stream(wish, tab), { filename: wish.name, live: wish.planned.live })
      : tab.uploader.upload(wish.file(), this.#optionsOf(wish));
    this.#watch(wish, tab, upload);
  }

  #optionsOf({ handle }: Wish): UploadOptions {
    return this.device.plan.handles ? { handle } : {};
  }

  #watch(wish: Wish, tab: Tab, upload: Upload): void {
    wish.uploads += 1;
    wish.presses += 1;
    Object.assign(wish, { tab, upload, completedBefore: null });
    this.oracle.watch(wish, tab, upload);
  }

  /** A recording, a few bytes at a time. */
  #stream({ disk, planned }: Wish, tab: Tab): ReadableStream<StreamChunk> {
    let at = 0;
    let isCancelled = false;
    const { scheduler } = this.device;
    return new ReadableStream({
      cancel: () => {
        isCancelled = true;
      },
      pull: (controller) =>
        new Promise((resolve) => {
          tab.after(scheduler.between(1, 100), () => {
            if (isCancelled) return resolve();
            const chunk = disk.bytes.slice(at, at + scheduler.between(1, 12));
            at += chunk.length;
            if (planned.breaks && at > planned.size / 2)
              controller.error(new Error("The camera was unplugged."));
            else if (chunk.length === 0) controller.close();
            else controller.enqueue(chunk);
            resolve();
          });
        }),
    });
  }

  /** Opens a tab and looks for the unfinished upload of the file; without one, uploads it again. */
  #reopen(wish: Wish): void {
    const tab = this.device.open();
    wish.tab = tab;
    this.#press(wish, async () => {
      const unfinished = await tab.uploader.unfinished();
      const entry = unfinished.find(({ filename }) => filename === wish.name);
      if (!tab.isAlive) return;
      if (wish.wantsAbort) {
        if (entry) await tab.uploader.discard(entry);
        wish.isOver = true;
      } else if (wish.isStream) await this.#keep(wish, tab, entry);
      else await this.#uploadAgain(wish, tab, entry);
    });
  }

  async #uploadAgain(wish: Wish, tab: Tab, entry: Unfinished | undefined): Promise<void> {
    const resuming = entry && tab.uploader.resume(entry, wish.file(), this.#optionsOf(wish));
    const resumed = await resuming?.catch(() => null);
    if (resumed) this.#watch(wish, tab, resumed);
    else this.#start(wish, tab); // It is not the file any more: the user uploads it anew.
  }

  /** Keeps what there is of a stream whose tab has ended. Nothing is not kept. */
  async #keep(wish: Wish, tab: Tab, entry: Unfinished | undefined): Promise<void> {
    if (!entry || entry.size === 0) {
      if (entry) await tab.uploader.discard(entry);
      wish.isOver = true;
      return;
    }
    wish.kept = entry.size;
    this.#watch(wish, tab, tab.uploader.keep(entry));
  }

  #press(wish: Wish, work: () => Promise<void>): void {
    wish.pending += 1;
    const { tab } = wish;
    const end = () => {
      if (wish.tab === tab) wish.pending -= 1;
    };
    work().then(end, end);
  }

  /** The tab of a wish ends, with everything in it. */
  #kill(tab: Tab): void {
    tab.kill();
    for (const wish of this.wishes) {
      if (wish.tab === tab) Object.assign(wish, { tab: null, upload: null, pending: 0 });
    }
  }

  #resume(wish: Wish): void {
    const { upload, tab } = wish;
    if (!upload || !tab || !can(upload.state, "resume")) return;
    const key = upload.id && this.oracle.backend.rows.get(upload.id)?.key;
    if (key) this.oracle.resumed(tab, key);
    wish.presses += 1;
    upload.resume();
  }

  #abort(wish: Wish): void {
    const { upload } = wish;
    wish.wantsAbort = true;
    if (upload && can(upload.state, "abort")) this.#press(wish, () => upload.abort());
  }

  /** Does what the plan says, where it is possible. */
  act({ kind, which }: Action): void {
    const wish = this.wishes[which % this.wishes.length] as Wish;
    const { upload, tab } = wish;
    switch (kind) {
      case "pause":
        if (upload && can(upload.state, "pause")) upload.pause();
        break;
      case "resume":
        this.#resume(wish);
        break;
      case "abort":
        this.#abort(wish);
        break;
      case "kill":
        if (tab) this.#kill(tab);
        break;
      case "reopen":
        if (!tab && !wish.isOver && !upload) this.#reopen(wish);
        break;
      case "secondTab":
        this.#openSecond(wish);
        break;
      default:
        this.#happen(kind, wish);
    }
  }

  #openSecond(wish: Wish): void {
    if (wish.isStream || this.wishes.length > 6) return;
    const twin = new Wish(wish.planned, wish.name, 0, wish.disk.notices);
    Object.assign(twin, { disk: wish.disk, versions: wish.versions });
    this.wishes.push(twin);
    this.#start(twin, this.device.open());
  }

  /** What no user does. */
  #happen(kind: Action["kind"], wish: Wish): void {
    const { device } = this;
    const effects: Partial<Record<Action["kind"], () => void>> = {
      offline: () => device.goOffline(),
      online: () => device.goOnline(),
      sleep: () => {
        device.scheduler.slept += device.scheduler.between(30_000, 7_200_000);
      },
      changeFile: () => this.#change(wish),
      loseFile: () => {
        wish.disk.readable = false;
      },
      killWorker: () => {
        device.workerWorks = false;
      },
      damageJournal: () => this.#damageJournal(),
      refuseStorage: () => {
        device.storageWorks = false;
      },
      lifecycle: () => this.oracle.backend.loseMultiparts(),
    };
    effects[kind]?.();
  }

  #change(wish: Wish): void {
    const { disk } = wish;
    const uploads = this.wishes.flatMap((each) => (each.disk === disk && each.upload) || []);
    disk.hasChangedDuring ||= uploads.some(({ state }) => state !== "completed");
    wish.change(() => this.device.scheduler.random());
  }

  #damageJournal(): void {
    const { journal } = this.device;
    for (const [id, entry] of journal) journal.set(id, { ...entry, size: entry.size + 1, bytesDone: -1 });
    const nobody = { destination: "default", filename: "file0", size: 1, fingerprint: null };
    journal.set("unknown", { id: "unknown", ...nobody, bytesDone: 1, updatedAt: "" });
  }

  /** Presses what brings each upload nearer to its end. False when all have ended. */
  finish(): boolean {
    const left = this.wishes.filter(({ isOver }) => !isOver);
    for (const wish of left) this.#pressNext(wish);
    return left.some(({ isSettled }) => !isSettled);
  }

  #pressNext(wish: Wish): void {
    const { upload, tab } = wish;
    const isPaused = upload?.state === "paused";
    if (!tab || !upload) this.#reopen(wish);
    else if (!isPaused && (upload.state !== "failed" || this.#isFinal(wish, upload))) return;
    else if (wish.wantsAbort && (isPaused || wish.errors.length % 2 === 1)) this.#abort(wish);
    else this.#resume(wish);
  }

  /** Whether no retry can help, and the upload says why. */
  #isFinal({ disk, planned, versions, errors, kept }: Wish, { id, error }: Upload): boolean {
    if (kept !== null && error?.code === "wrong_state") return true; // OSS has lost it meanwhile.
    const row = id === null ? undefined : this.oracle.backend.rows.get(id);
    const { device } = this;
    // A damaged journal promised bytes that nobody has, while the backend could not be asked.
    const isNothing = kept !== null && error?.code === "parts_missing";
    if (isNothing && device.faults.injected.has("action damageJournal")) return true;
    if (planned.kind === "stream" && (row?.state === "failed" || row?.isLost)) return true;
    // Where the browser notices the change, the user must choose the file again, unless there is a handle.
    const mustChoose = versions.length > 1 && device.plan.notices && !device.plan.handles;
    if (errors.includes("file_changed")) return !disk.readable || mustChoose;
    return error?.code === "stream_broken" && (planned.breaks || this.oracle.showsDamageLate);
  }
}
