// The uploads of the element. Each upload is added to the list, counted in the summary and announced.

import type { StateChangeEvent } from "../engine/events.ts";
import { importLate } from "../engine/late.ts";
import { can, isOver, type State } from "../engine/states.ts";
import type { Upload } from "../engine/upload.ts";
import type { OssUploader } from "../engine/uploader.ts";
import { Announcer } from "./announcer.ts";
import { h, withoutDirections } from "./dom.ts";
import type { LinkOf } from "./item.ts";
import type { LabelName } from "./labels.ts";
import type { ListItem } from "./list.ts";
import { UploadList } from "./list.ts";
import type { Localization } from "./localization.ts";
import { isBusy } from "./questions.ts";
import { ScreenWakeLock } from "./screen-wake-lock.ts";
import type { Summary } from "./summary.ts";

/** States that are announced to screen readers. */
const ANNOUNCEMENTS: Partial<Record<State, LabelName>> = {
  uploading: "announce_uploading",
  completed: "announce_completed",
  failed: "announce_failed",
  aborted: "announce_aborted",
};

/** Milliseconds after which the page offers what only long uploads need. */
const LONG = 3000;

/** A folder has its files in `list`, and those that are uploads now in `uploads`. */
interface Counted extends Upload {
  readonly uploads?: readonly Upload[];
  readonly list?: { readonly ids: readonly string[] };
}

const filesOf = (upload: Counted) => upload.uploads;

export interface CollectionPorts {
  readonly localization: Localization;
  readonly link: LinkOf;
  uploader(): OssUploader;
  /** The completed uploads have changed, or whether any upload is busy. */
  onchange(): void;
  onstatechange(upload: Upload, event: StateChangeEvent): void;
}

export class UploadCollection {
  /** Receives the summary with the second upload. */
  readonly summaryPlace = h("div", {});
  #summary: Summary | null = null;
  #loadsSummary = false;
  readonly list: UploadList;
  readonly announcer = new Announcer(() => this.#summary?.text() ?? "");
  readonly wakeLock = new ScreenWakeLock();
  /** What has a row: uploads, and folders in their place. */
  readonly rows = new Set<Upload>();
  readonly #busy = new Set<Upload>();

  constructor(readonly ports: CollectionPorts) {
    this.list = new UploadList(ports.localization, ports.link);
  }

  get uploads(): readonly Upload[] {
    return [...this.rows].flatMap((upload) => filesOf(upload) ?? upload);
  }

  /** Whether any upload is waiting or active. */
  get busy(): boolean {
    return this.#busy.size > 0;
  }

  /** Ids of the completed uploads, in the order in which they were added. */
  get completedIds(): readonly string[] {
    const idsOf = ({ state, id, list }: Counted) => list?.ids ?? (state === "completed" && id ? id : []);
    return [...new Set([...this.rows].flatMap(idsOf))];
  }

  /** Ids of the uploads that are not over; of a folder, its name with a slash. */
  get openIds(): ReadonlySet<string | null> {
    return new Set([...this.rows].filter(({ state }) => !isOver(state)).map(({ id }) => id));
  }

  /** The topmost item. Files chosen together are all added before it, and so keep their order. */
  get top(): Node | null {
    return this.list.element.firstChild;
  }

  /** A folder is added as one upload, with a row of its own. */
  add(upload: Upload, before: Node | null = this.top, row?: ListItem): void {
    this.rows.add(upload);
    this.list.add(upload, before, row);
    this.#summary?.add(upload);
    if (this.rows.size > 1) void this.#loadSummary();
    else setTimeout(() => this.busy && this.#loadSummary(), LONG);
    upload.addEventListener("statechange", (event) => {
      this.#update(upload);
      const label = ANNOUNCEMENTS[upload.state];
      if (label) this.announce(label, upload.filename);
      this.ports.onstatechange(upload, event);
    });
    this.#update(upload);
  }

  /** Without its code, as when the network is down, there is none until the next upload. */
  async #loadSummary(): Promise<void> {
    if (this.#summary || this.#loadsSummary) return;
    this.#loadsSummary = true;
    const Summary = await importLate(() => import("./summary.ts"), "Summary").catch(() => null);
    this.#loadsSummary = false;
    if (!Summary) return;
    const { list, ports } = this;
    const summary = new Summary({ ...ports, list, onclear: (uploads) => this.#clear(uploads) });
    for (const upload of this.rows) if (list.row(upload)) summary.add(upload);
    summary.appendTo(this.summaryPlace);
    this.#summary = summary;
  }

  /** Removes all uploads, and aborts those that are not over. */
  removeAll(): void {
    const uploads = [...this.rows];
    this.rows.clear();
    for (const upload of uploads) {
      if (can(upload.state, "abort")) void upload.abort().catch(() => {});
    }
    this.#clear(uploads);
    this.ports.onchange();
  }

  announce(label: LabelName, name: string): void {
    const shown = withoutDirections(name);
    this.announcer.announce(this.ports.localization.label(label, { name: shown }));
  }

  /** Removes the items from the list. Completed uploads stay in the collection, since a form still submits them. */
  #clear(uploads: readonly Upload[]): void {
    for (const upload of uploads) {
      this.list.remove(upload);
      if (upload.state === "aborted") this.rows.delete(upload);
    }
    this.#summary?.remove(uploads);
  }

  /** Thousands of uploads change often, so only a change that matters to the form is reported. */
  #update(upload: Upload): void {
    const wasBusy = this.busy;
    if (isBusy(upload.state)) this.#busy.add(upload);
    else this.#busy.delete(upload);
    this.wakeLock.set(this.busy);
    if (this.busy !== wasBusy || upload.state === "completed") this.ports.onchange();
  }
}
