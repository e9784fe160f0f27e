// The uploads of the element. Each upload is added to the list, counted in the summary and announced.

import type { StateChangeEvent } from "../engine/events.ts";
import { can, isOver, type State } from "../engine/states.ts";
import type { Upload } from "../engine/upload.ts";
import { Announcer } from "./announcer.ts";
import type { LabelName } from "./labels.ts";
import { UploadList } from "./list.ts";
import type { Localization } from "./localization.ts";
import { ScreenWakeLock } from "./screen-wake-lock.ts";
import { Summary } from "./summary.ts";
import { isBusy, type Task } from "./totals.ts";

/** States that are announced to screen readers. */
const ANNOUNCEMENTS: Partial<Record<State, LabelName>> = {
  uploading: "announce_uploading",
  completed: "announce_completed",
  failed: "announce_failed",
  aborted: "announce_aborted",
};

/** A folder: one row for all its files. */
export interface FolderTask extends Task {
  readonly name: string;
  /** The files that are uploads now. */
  readonly uploads: readonly Upload[];
  readonly list: { readonly ids: readonly string[] } & NonNullable<Task["list"]>;
}

export interface CollectionPorts {
  readonly localization: Localization;
  /** The completed uploads have changed, or whether any upload is busy. */
  onchange(): void;
  onstatechange(upload: Upload, event: StateChangeEvent): void;
}

export class UploadCollection {
  readonly summary: Summary;
  readonly list: UploadList;
  readonly announcer = new Announcer(() => this.summary.text());
  readonly wakeLock = new ScreenWakeLock();
  readonly #uploads = new Set<Upload>();
  readonly #folders = new Map<Task, { folder: FolderTask; row: Element }>();
  readonly #busy = new Set<Task>();

  constructor(readonly ports: CollectionPorts) {
    this.list = new UploadList(ports.localization);
    this.summary = new Summary(ports.localization, (uploads) => this.#clear(uploads));
  }

  get uploads(): readonly Upload[] {
    return [...this.#uploads, ...this.#tasks.flatMap(({ folder }) => folder.uploads)];
  }

  get #tasks() {
    return [...this.#folders.values()];
  }

  /** Whether any upload is waiting or active. */
  get busy(): boolean {
    return this.#busy.size > 0;
  }

  /** Ids of the completed uploads, in the order in which they were added. */
  get completedIds(): readonly string[] {
    const completed = [...this.#uploads].filter(({ state }) => state === "completed");
    const inFolders = this.#tasks.flatMap(({ folder }) => folder.list.ids);
    return [...new Set([...completed.flatMap(({ id }) => id ?? []), ...inFolders])];
  }

  /** Ids of the uploads that are not over, and the names of such folders with a slash. */
  get openIds(): ReadonlySet<string | null> {
    const open = ({ state }: Task) => !isOver(state);
    const folders = this.#tasks.filter(({ folder }) => open(folder)).map(({ folder }) => `${folder.name}/`);
    return new Set([...[...this.#uploads].filter(open).map(({ id }) => id), ...folders]);
  }

  /** The topmost item. Files chosen together are all added before it, and so keep their order. */
  get top(): Node | null {
    return this.list.element.firstChild;
  }

  add(upload: Upload, before: Node | null = this.top): void {
    this.#uploads.add(upload);
    this.list.add(upload, before);
    this.summary.add(upload);
    upload.addEventListener("statechange", (event) => {
      this.#update(upload);
      this.#announceState(event.state, upload.filename);
      this.ports.onstatechange(upload, event);
    });
    this.#update(upload);
  }

  /** Adds a folder, whose row its own code builds. */
  addFolder(folder: FolderTask, row: Element, before: Node | null = this.top): void {
    this.#folders.set(folder, { folder, row });
    // The item may have been removed while the folder's code was loaded.
    this.list.element.insertBefore(row, before?.parentNode === this.list.element ? before : this.top);
    this.summary.add(folder);
    folder.addEventListener("statechange", () => {
      this.#update(folder);
      this.#announceState(folder.state, folder.name);
    });
    this.#update(folder);
  }

  /** Removes all uploads, and aborts those that are not over. */
  removeAll(): void {
    const tasks = [...this.#uploads, ...this.#folders.keys()];
    this.#uploads.clear();
    for (const task of tasks) {
      if (can(task.state, "abort")) void task.abort().catch(() => {});
    }
    this.#clear(tasks);
    this.ports.onchange();
  }

  announce(label: LabelName, name: string): void {
    this.announcer.announce(this.ports.localization.label(label, { name }));
  }

  #announceState(state: State, name: string): void {
    const label = ANNOUNCEMENTS[state];
    if (label) this.announce(label, name);
  }

  /** Removes the items from the list. Completed uploads stay in the collection, since a form still submits them. */
  #clear(tasks: readonly Task[]): void {
    for (const task of tasks) {
      this.#folders.get(task)?.row.remove();
      this.list.remove(task as Upload);
      if (task.state !== "aborted") continue;
      this.#uploads.delete(task as Upload);
      this.#folders.delete(task);
    }
    this.summary.remove(tasks);
  }

  /** Thousands of uploads change often, so only a change that matters to the form is reported. */
  #update(upload: Task): void {
    const wasBusy = this.busy;
    if (isBusy(upload.state)) this.#busy.add(upload);
    else this.#busy.delete(upload);
    this.wakeLock.set(this.busy);
    if (this.busy !== wasBusy || upload.state === "completed") this.ports.onchange();
  }
}
