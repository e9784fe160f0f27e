// What must hold at each moment of a run and at its end. The first violation ends the run.

import type { UploadError } from "../../src/engine/errors.ts";
import type { DonePart } from "../../src/engine/parts.ts";
import type { Upload } from "../../src/engine/upload.ts";
import type { Call, ModelBackend } from "./backend.ts";
import type { ModelOss, OnItsWay, Permission, Sending } from "./oss.ts";
import { type Faults, isHarmless, type Plan } from "./plan.ts";
import { crc64Of, sameBytes } from "./platform.ts";
import type { Answer, Row } from "./rows.ts";
import type { Device } from "./tab.ts";
import type { Wish } from "./user.ts";

/** Requests to OSS of one page at once: the connections of a browser to one host. */
const MAX_REQUESTS = 6;

/** Of one target and upload: each press of a button calls once. */
const MAX_CALLS_OFFLINE = 8;

export class Violation extends Error {
  override name = "Violation";
}

/** What one page has been told of the parts of one upload. */
interface Knowledge {
  /** Whether it created the upload, or has asked OSS for its parts since the last resume. */
  isCurrent: boolean;
  /** The CRC64 of each part that it knows OSS to hold, as OSS told. */
  readonly held: Map<number, string | undefined>;
  /** Whether OSS has ever taken a part from it. */
  hasAnswered: boolean;
}

export interface Totals {
  sent: number;
  sentAgain: number;
}

export class Oracle {
  violation: Violation | null = null;
  readonly totals: Totals = { sent: 0, sentAgain: 0 };
  oss!: ModelOss;
  backend!: ModelBackend;
  /** All requests that are on their way to OSS. */
  readonly inFlight = new Set<OnItsWay>();
  /** Calls since the network went away, by page, target and upload. */
  readonly callsOffline = new Map<string, number>();
  readonly #knowledge = new Map<string, Knowledge>();

  constructor(
    readonly plan: Plan,
    readonly faults: Faults,
  ) {}

  fail(message: string): void {
    this.violation ??= new Violation(message);
  }

  /** A page that knows that it is offline waits for the network. Checkpoints are tried by a timer. */
  calledOffline(page: Sending, { target, id }: Call): void {
    if (target === "checkpoint") return;
    const name = `${page.id} ${target} ${id}`;
    const calls = (this.callsOffline.get(name) ?? 0) + 1;
    this.callsOffline.set(name, calls);
    if (calls > MAX_CALLS_OFFLINE)
      this.fail(`${target} was called ${calls} times while there was no network`);
  }

  // What pages know

  #knowledgeOf(page: Sending, key: string): Knowledge {
    const name = `${page.id} ${key}`;
    const known = this.#knowledge.get(name) ?? {
      isCurrent: false,
      held: new Map<number, string | undefined>(),
      hasAnswered: false,
    };
    this.#knowledge.set(name, known);
    return known;
  }

  created(page: Sending, key: string): void {
    this.#knowledgeOf(page, key).isCurrent = true;
  }

  listed(page: Sending, key: string, parts: readonly DonePart[]): void {
    const known = this.#knowledgeOf(page, key);
    known.isCurrent = true;
    known.held.clear();
    for (const { number, crc64 } of parts) known.held.set(number, crc64);
  }

  missing(page: Sending, key: string, numbers: readonly number[]): void {
    for (const number of numbers) this.#knowledgeOf(page, key).held.delete(number);
  }

  /** Notes what an answer of the backend tells of parts. */
  answered(page: Sending, { target, id }: Call, { status, body }: Answer): void {
    const key = this.backend.rows.get(id)?.key;
    const told = body as { key: string; uploads: { key: string }[]; parts: DonePart[]; errors?: unknown };
    if (target === "create" && status === 201) this.created(page, told.key);
    if (target === "createMany" && status === 207)
      for (const row of told.uploads) this.created(page, row.key);
    if (!key) return;
    if (target === "parts" && status === 200) {
      this.listed(page, key, told.parts);
    }
    const { parts } = (told?.errors ?? {}) as { parts?: number[] };
    if (target === "complete" && parts) this.missing(page, key, parts);
  }

  resumed(page: Sending, key: string): void {
    this.#knowledgeOf(page, key).isCurrent = false;
  }

  taken(page: Sending, { key, number }: Permission, stored: Uint8Array): void {
    const known = this.#knowledgeOf(page, key);
    known.held.set(number, crc64Of(stored));
    known.hasAnswered = true;
  }

  /** A page does not use a URL outside its life, unless the device slept. */
  used(isValid: boolean): void {
    const { injected } = this.faults;
    if (isValid || injected.has("action sleep") || injected.has("call slow")) return;
    this.fail("a URL was used that was not valid");
  }

  /** A file whose parts OSS holds is not begun anew. */
  begun(unfinished: Row | undefined): void {
    const parts = this.oss.multiparts.get(unfinished?.upload_id ?? "")?.parts.size ?? 0;
    const isHeld = parts > 0 || unfinished?.state === "completing";
    if (isHeld && !unfinished?.isLost) this.fail(`${unfinished?.key} was begun anew, and OSS held it`);
  }

  /** A part that OSS holds may be sent again only where the page could not know: it was in flight when it was cut. */
  sending(page: Sending, { key, number, uploadId }: Permission, bytes: Uint8Array): void {
    this.totals.sent += bytes.length;
    for (const other of this.inFlight) {
      // Files in one request take no lock: the same bytes replace each other.
      if (uploadId !== null && other.page !== page && other.page.isAlive && other.key === key) {
        this.fail(`two tabs send ${key} at once`);
      }
    }
    for (const { host } of page.requests) {
      const count = [...page.requests].filter((request) => request.host === host).length;
      if (count > MAX_REQUESTS) this.fail(`${count} requests to ${host} at once`);
    }
    const known = this.#knowledgeOf(page, key);
    const isKnown = known.held.get(number) === crc64Of(bytes);
    known.held.delete(number); // From now on the page does not know whether it has arrived.
    const held = this.oss.held(key, uploadId, number);
    if (!held || !sameBytes(held, bytes)) return;
    this.totals.sentAgain += bytes.length;
    if (uploadId === null) return; // A file in one request is sent whole again when it is resumed.
    if (this.faults.injected.has("action changeFile")) return; // A part of other bytes than were hashed looks damaged.
    if (!known.isCurrent) this.fail(`part ${number} of ${key} was sent before OSS was asked for its parts`);
    else if (isKnown) this.fail(`part ${number} of ${key} was sent again although it is held`);
  }

  // What uploads show

  /** Watches an upload from its creation. */
  watch(wish: Wish, page: Sending & { isAlive: boolean }, upload: Upload): void {
    upload.addEventListener("progress", ({ loaded, total, ratio }) => {
      if (loaded > total || ratio > 1 || loaded < 0) this.fail(`progress ${loaded} of ${total}, ${ratio}`);
      if (ratio === 1 && loaded < total) this.fail(`ratio 1 at ${loaded} of ${total}`);
      this.#checkLoaded(page, upload, loaded);
    });
    upload.addEventListener("statechange", ({ state, error }) => {
      if (!page.isAlive) this.fail(`a dead page moved to ${state}`);
      if ((error !== null) !== (state === "failed")) this.fail(`${state} with the error ${error?.code}`);
      if (error) this.#checkFailed(wish, page, upload, error);
      if (state === "aborted") this.#checkAborted(upload);
      if (state === "completing") this.#checkSent(upload);
      if (state === "completed") this.#checkCompleted(wish, upload);
      else if (!["preparing", "uploading", "completing"].includes(state)) wish.completedBefore = null;
    });
    upload.addEventListener("statechange", ({ previous, error }) => {
      if (error && previous !== "aborting") this.#checkPatience(error);
    });
    upload.addEventListener("notice", ({ notice }) => {
      if (notice?.name === "another_tab") wish.completedBefore ??= this.#completedRows(wish);
    });
  }

  #rowOf(upload: Upload): Row | undefined {
    return upload.id === null ? undefined : this.backend.rows.get(upload.id);
  }

  /** Progress counts no byte that was not handed to the network. */
  #checkLoaded(page: Sending, upload: Upload, loaded: number): void {
    const row = this.#rowOf(upload);
    if (!row || row.isLost || row.state === "aborted") return;
    let sent = this.oss.objects.get(row.key)?.length ?? 0;
    const parts = this.oss.multiparts.get(row.upload_id ?? "")?.parts.values() ?? [];
    for (const part of parts) sent += part.length;
    const { kept } = upload.progress;
    if (kept > sent)
      this.fail(`progress says that ${kept} bytes of ${row.key} are kept, and OSS holds ${sent}`);
    // The bytes of a lost request count until the engine knows whether CORS is the cause.
    for (const request of [...page.requests, ...page.lost]) {
      if (request.key === row.key) sent += request.loaded;
    }
    if (loaded > sent)
      this.fail(`progress says ${loaded} bytes of ${row.key} while ${upload.state}, ${sent} were sent`);
  }

  #completedRows({ name }: Wish): Row[] {
    const rows = [...this.backend.rows.values()];
    return rows.filter(({ filename, state }) => filename === name && state === "completed");
  }

  /** An upload does not fail for what a retry cures. */
  #checkFailed(wish: Wish, page: Sending, upload: Upload, error: UploadError): void {
    wish.errors.push(error.code === "unexpected" ? error.detail : error.code);
    const { key } = this.#rowOf(upload) ?? {};
    if (
      ["cors_not_allowed", "storage_blocked"].includes(error.code) &&
      key &&
      this.#knowledgeOf(page, key).hasAnswered
    ) {
      this.fail("CORS was blamed after OSS had answered");
    }
    const isFinal =
      wish.planned.breaks || (this.faults.injected.has("part damaged") && this.#isDamageFinal(wish));
    if (isHarmless(this.plan) && !isFinal)
      this.fail(`failed with ${wish.errors.at(-1)}, which a retry cures`);
  }

  /** Minutes in which OSS or the backend is busy end no upload. An abort is not waited for so long. */
  #checkPatience({ status, sentence, code }: UploadError): void {
    const isBusy = [408, 429, 502, 503, 504].includes(status) || sentence === "server_unreachable";
    if (isBusy) this.fail(`ended by ${code}, which passes`);
  }

  /** Where CORS hides OSS's CRC64, damage shows when the object is there, or when a stream's bytes are gone. */
  #isDamageFinal({ planned, isStream }: Wish): boolean {
    return isStream ? this.showsDamageLate : !this.plan.exposes && planned.size <= this.plan.partSize;
  }

  /**
   * Whether the damage of a part may show when the bytes of a stream are gone: CORS hides OSS's CRC64, or a request that
   * was aborted arrives after the one that has replaced it.
   */
  get showsDamageLate(): boolean {
    const { injected } = this.faults;
    const isLate = !this.plan.exposes || injected.has("part arrives after its request was aborted");
    return isLate && injected.has("part damaged");
  }

  #checkAborted(upload: Upload): void {
    const state = this.#rowOf(upload)?.state ?? "aborted";
    if (state !== "aborted" && state !== "failed") this.fail(`aborted in the page, ${state} at the backend`);
  }

  #checkSent(upload: Upload): void {
    const { loaded, total } = upload.progress;
    if (loaded !== total) this.fail(`everything is sent, and progress says ${loaded} of ${total}`);
  }

  #checkCompleted(wish: Wish, upload: Upload): void {
    const row = this.#rowOf(upload);
    // Another version of the file is another upload. One that changed after its fingerprint was taken is known by that.
    const isSame = (other: Row) =>
      row && other.fingerprint === row.fingerprint && this.#bytesOf(other) === this.#bytesOf(row);
    const others = this.#completedRows(wish).filter((other) => other !== row && isSame(other));
    // A complete call that its tab has left may be carried out after the other tab has looked.
    const isLeft =
      this.faults.injected.has("action abort") ||
      this.plan.faults.some(({ target }) => target === "complete");
    const { completedBefore } = wish;
    if (!isLeft && completedBefore && others.some((other) => !completedBefore.includes(other))) {
      this.fail("a tab that waited uploaded a file that another tab had completed");
    }
    if (row?.state !== "completed") this.fail(`completed in the page, ${row?.state} at the backend`);
    else this.#checkObject(wish, row);
    if (++wish.completions > wish.uploads) this.fail("completed twice");
    const { loaded, total, ratio } = upload.progress;
    if (loaded !== total || ratio !== 1) this.fail(`completed at ${loaded} of ${total}`);
  }

  #checkObject(wish: Wish, row: Row): void {
    const object = this.oss.objects.get(row.key);
    // Without checksums and handles a change during the upload shows in samples alone, of small files and to the sweep not
    // at all: a browser looks for a change when it begins to read.
    const { notices, handles, batches, partSize, integrity } = this.plan;
    const isSmall = batches && wish.planned.size <= partSize;
    const isBlind = isSmall || !(notices || (handles && row.method === "multipart")) || row.isAdopted;
    const isUnchecked = integrity === "none" && isBlind && wish.disk.hasChangedDuring;
    if (!object) this.fail(`${row.key} is completed and has no object`);
    else if (wish.isStream && (wish.kept !== null || wish.planned.breaks)) this.#checkKept(wish, object);
    else if (!isUnchecked && !wish.versions.some((version) => sameBytes(version, object))) {
      this.fail(`the object ${row.key} is not the file: ${object} instead of ${wish.versions[0]}`);
    }
  }

  /** The beginning of the stream: of a kept one all that was promised, of a live one that broke all that it gave. */
  #checkKept({ planned, versions, kept }: Wish, object: Uint8Array): void {
    const { injected } = this.faults;
    // Damage of which only the lost tab knew, and parts that OSS has lost.
    if (injected.has("part damaged") || injected.has("action lifecycle")) return;
    const [whole = object] = versions;
    if (!sameBytes(whole.slice(0, object.length), object)) this.fail("what was kept is not the beginning");
    if (object.length < (kept ?? 0)) this.fail(`${kept} bytes were to be kept, and ${object.length} are`);
    if (kept === null && !planned.live && planned.size > 0) this.fail("a stream that broke was completed");
  }

  // The end

  /** After the sweep: every row has ended, and OSS holds the objects of completed rows and nothing else. */
  checkEnd(wishes: readonly Wish[]): void {
    if (this.oss.multiparts.size > 0) this.fail(`left at OSS: ${[...this.oss.multiparts.keys()]}`);
    const rows = [...this.backend.rows.values()];
    for (const row of rows) {
      const wish = wishes.find(({ name }) => name === row.filename) as Wish;
      // The sweep adopts an object without the client's checksum.
      const isUnchecked = row.isAdopted && this.faults.injected.has("part damaged");
      if (row.state !== "completed") this.#checkNotCompleted(row);
      else if (!isUnchecked) this.#checkObject(wish, row);
    }
    for (const wish of wishes) this.#checkCount(wish, wishes, rows);
    const keys = new Set(rows.map(({ key }) => key));
    for (const key of this.oss.objects.keys()) if (!keys.has(key)) this.fail(`no row knows ${key}`);
  }

  #bytesOf({ key }: Row): string {
    return `${this.oss.objects.get(key)}`;
  }

  /**
   * At most one completed row for each upload that the user has started, of each version of the file: of one that changes,
   * the first version may have been completed without an answer. Two tabs may follow each other.
   */
  #checkCount(wish: Wish, wishes: readonly Wish[], rows: readonly Row[]): void {
    const twins = wishes.filter(({ name }) => name === wish.name);
    const uploads = twins.reduce((sum, twin) => sum + twin.uploads, 0);
    const all = this.#completedRows(wish).map((row) => this.#bytesOf(row));
    const completed = Math.max(0, ...all.map((bytes) => all.filter((other) => other === bytes).length));
    if (completed > uploads) this.fail(`${completed} completed rows for ${uploads} uploads`);
    const begun = rows.filter(({ filename }) => filename === wish.name).length;
    if (wish.isStream && begun > wish.presses) this.fail(`${begun} rows for ${wish.presses} presses`);
  }

  /** The journal remembers no upload that has ended in a page that is still open. */
  checkJournal(wishes: readonly Wish[], device: Device): void {
    for (const { upload } of wishes) {
      if (!upload?.id || !["completed", "aborted"].includes(upload.state)) continue;
      if (!this.faults.injected.has("action refuseStorage") && device.journal.has(upload.id)) {
        this.fail(`the journal still has ${upload.id}, which is ${upload.state}`);
      }
      if (device.disk.files.has(upload.id)) this.fail(`the disk still has bytes of ${upload.id}`);
    }
    // A stream that has failed can be tried again by its own page only.
    const failed = new Set(wishes.map(({ isStream, upload }) => isStream && upload?.id));
    const held = [...device.locks.keys()].filter((name) => !failed.has(name));
    if (held.length > 0) this.fail(`locks are still held: ${held}`);
  }

  #checkNotCompleted(row: Row): void {
    if (row.state !== "aborted" && row.state !== "failed") this.fail(`${row.key} stays ${row.state}`);
    if (row.state === "failed" && !row.error) this.fail(`${row.key} does not say why it failed`);
    const error = row.error as { code: string } | null;
    // Where CORS hides OSS's CRC64, only the backend can tell, when the bytes of a stream are gone.
    const isHidden = !this.plan.exposes && this.faults.injected.has("part damaged");
    if (error?.code === "object_mismatch" && row.method === "multipart" && !isHidden)
      this.fail(`${row.key} is damaged`);
    // The object of a failed upload is kept for inspection.
    if (this.oss.objects.has(row.key) && row.state !== "failed") this.fail(`${row.key} ended with an object`);
  }
}
