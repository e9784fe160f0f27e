// The list of unfinished uploads, begun in this browser or on another device.
// Where the browser has kept a file handle, one click resumes the upload. Otherwise the user chooses the file again.

import { NetworkError } from "../engine/errors.ts";
import { importLate } from "../engine/late.ts";
import type { Upload } from "../engine/upload.ts";
import type { OssUploader, Unfinished } from "../engine/uploader.ts";
import { firstButton, h, reportLostFocus, setText } from "./dom.ts";
import type { ElementFolders } from "./folders.ts";
import type { LabelName } from "./labels.ts";
import { addLateLabels } from "./late-labels.ts";
import type { Localization } from "./localization.ts";
import { showError } from "./show-error.ts";
import type { unfinishedRows } from "./unfinished-row.ts";

export interface UnfinishedPorts {
  readonly localization: Localization;
  load(): Promise<readonly Unfinished[]>;
  uploader(): OssUploader;
  /** Aborts when the element leaves the page. */
  signal(): AbortSignal;
  /** Whether the page lets the file be uploaded. */
  accepts(file: File): boolean;
  /** Shows the upload of an entry that is resumed. */
  add(upload: Upload): void;
  /** Removes the entry of an upload that is resumed or over. */
  remove(id: string): void;
  announce(name: LabelName, filename: string): void;
  /** Loads the list again. */
  refresh(): void;
  /** Does something with folders, once their code is loaded. */
  folders(act: (folders: ElementFolders) => Promise<void>): Promise<void>;
  /** Opens the browser's file dialog for one file. */
  chooseFile(onchoose: (file: File) => void): void;
}

export class UnfinishedList {
  readonly element: HTMLElement;
  readonly #title = h("h2", { id: "unfinished-title" });
  readonly #list = h("ul", { class: "list" });
  readonly #error = h("div", {});
  #entries: readonly Unfinished[] = [];
  #loads = 0;
  #rows: typeof unfinishedRows | null = null;

  constructor(readonly ports: UnfinishedPorts) {
    addLateLabels();
    const attributes = { class: "unfinished", part: "unfinished", "aria-labelledby": "unfinished-title" };
    this.element = h("section", { ...attributes, hidden: true }, this.#title, this.#error, this.#list);
    ports.localization.addEventListener("change", () => this.#show());
  }

  async refresh(): Promise<void> {
    this.#loads += 1;
    const load = this.#loads;
    try {
      await this.#load(() => load === this.#loads);
    } catch (error) {
      if (load === this.#loads) showError(this.#error, error, this.ports.localization);
    }
    if (load === this.#loads) this.#show();
  }

  /** `isLatest` is false when a later refresh, perhaps of another destination, is under way. */
  async #load(isLatest: () => boolean): Promise<void> {
    const entries = await this.ports.load();
    if (!isLatest()) return;
    this.#entries = entries;
    this.#error.replaceChildren();
    if (entries.length > 0) this.#rows ??= await loadRows();
  }

  /** Removes the entry of an upload that is resumed or over; of a folder, by its name with a slash. */
  remove(id: string): void {
    const isFolder = id.endsWith("/");
    this.#entries = this.#entries.filter(
      (entry) => entry.id !== id && !(isFolder && entry.filename.startsWith(id)),
    );
    for (const row of this.#list.querySelectorAll<HTMLElement>("[data-id]")) {
      if (row.dataset.id === id) this.#removeRow(row);
    }
    this.#toggle();
  }

  /** When the row had the focus, a neighbour receives it. */
  #removeRow(row: HTMLElement): void {
    const hadFocus = row.matches(":focus-within");
    const neighbour = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    if (!hadFocus) return;
    const next = firstButton(neighbour);
    if (next) next.focus();
    else reportLostFocus(this.element);
  }

  #show(): void {
    setText(this.#title, this.ports.localization.label("unfinished"));
    if (this.#rows) this.#list.replaceChildren(...this.#rows(this.#entries, this.ports));
    this.#toggle();
  }

  #toggle(): void {
    this.element.hidden = this.#list.childElementCount + this.#error.childNodes.length === 0;
  }
}

async function loadRows(): Promise<typeof unfinishedRows> {
  try {
    return await importLate(() => import("./unfinished-row.ts"), "unfinishedRows");
  } catch (cause) {
    throw new NetworkError("code_unreachable", { cause });
  }
}
