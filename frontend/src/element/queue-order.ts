// Waiting uploads in the list can be moved: by two buttons in each row, and by dragging the row.
// The rows of waiting uploads stand in the order in which they will start, as soon as one was moved.

import type { Upload } from "../engine/upload.ts";
import type { OssUploader } from "../engine/uploader.ts";
import { button, firstButton, h, setText, withoutDirections } from "./dom.ts";
import type { LabelName } from "./labels.ts";
import { addLateLabels } from "./late-labels.ts";
import type { Localization } from "./localization.ts";
import { adoptSheet } from "./styles.ts";

const CSS = /* css */ `
.item[draggable] { cursor: grab; }
.item.dragged { opacity: .5; }
.item.drop-target { outline: 2px solid var(--oss-accent); outline-offset: 2px; }
.order { display: flex; gap: .25rem; }
.order button { padding-inline: .625rem; }
@media (max-width: 560px) { .order { flex: 1; } }
@media (forced-colors: active) { .item.drop-target { outline-color: Highlight; } }
`;

export interface QueueOrderPorts {
  readonly localization: Localization;
  readonly uploader: OssUploader;
  /** The list, whose items are the rows. */
  readonly list: Element;
  row(upload: Upload): Element | undefined;
}

interface Controls {
  readonly element: HTMLElement;
  readonly up: HTMLButtonElement;
  readonly down: HTMLButtonElement;
}

export class QueueOrder {
  readonly #controls = new Map<Upload, Controls>();
  readonly #status = h("p", { class: "visually-hidden", role: "status", "data-testid": "order-status" });
  #dragged: Upload | null = null;

  constructor(readonly ports: QueueOrderPorts) {
    addLateLabels();
    const { list, uploader, localization } = ports;
    adoptSheet(list, CSS);
    list.after(this.#status);
    uploader.addEventListener("statechange", ({ upload }) => this.#show(upload));
    uploader.addEventListener("accepted", ({ upload }) => queueMicrotask(() => this.#show(upload)));
    uploader.addEventListener("reordered", () => this.#sort());
    list.addEventListener("built", ({ target }) => this.#show(this.#uploadOf(target as Element)));
    localization.addEventListener("change", () => this.#showAll());
    this.#listenForDrags();
    this.#showAll();
  }

  /** The waiting uploads that have a row, in the order of the queue. */
  get #waiting(): Upload[] {
    return this.ports.uploader.queue.filter((upload) => this.ports.row(upload));
  }

  #showAll(): void {
    for (const upload of this.#waiting) this.#show(upload);
  }

  #show(upload: Upload | undefined): void {
    const row = upload && this.ports.row(upload);
    if (!row) return;
    const place = row.querySelector(".buttons"); // Absent while the row is not built.
    const waits = upload.state === "queued" && place !== null;
    row.toggleAttribute("draggable", waits);
    if (waits) row.setAttribute("draggable", "true");
    if (waits) this.#showControls(upload, place);
    else this.#removeControls(upload, row);
  }

  #showControls(upload: Upload, place: Element): void {
    const controls = this.#controls.get(upload) ?? this.#create(upload);
    this.#controls.set(upload, controls);
    const label = (element: HTMLElement, name: LabelName) => {
      const text = this.ports.localization.label(name);
      element.setAttribute("aria-label", `${text}: ${withoutDirections(upload.filename)}`);
      element.title = text;
    };
    label(controls.up, "move_up");
    label(controls.down, "move_down");
    if (controls.element.parentElement !== place) place.prepend(controls.element);
  }

  #create(upload: Upload): Controls {
    const up = button("move-up", () => this.#step(upload, -1), "quiet");
    const down = button("move-down", () => this.#step(upload, 1), "quiet");
    up.append("↑");
    down.append("↓");
    return { up, down, element: h("span", { class: "order" }, up, down) };
  }

  /** The row's first button receives the focus that one of these had. */
  #removeControls(upload: Upload, row: Element): void {
    const element = this.#controls.get(upload)?.element;
    if (!element) return;
    const hadFocus = element.matches(":focus-within");
    element.remove();
    this.#controls.delete(upload);
    if (hadFocus) firstButton(row)?.focus();
  }

  #step(upload: Upload, by: number): void {
    const waiting = this.#waiting;
    this.#move(upload, waiting[waiting.indexOf(upload) + by] ?? upload);
  }

  /** To the place of the other one. */
  #move(upload: Upload, other: Upload): void {
    const { uploader, localization } = this.ports;
    uploader.move(upload, uploader.queue.indexOf(other));
    const waiting = this.#waiting;
    const facts = { position: waiting.indexOf(upload) + 1, all: waiting.length };
    const name = withoutDirections(upload.filename);
    setText(this.#status, localization.label("announce_moved", { name, ...facts }));
  }

  /** Gives the places of the waiting rows to the same rows in the order of the queue. */
  #sort(): void {
    const sorted = this.#waiting.flatMap((upload) => this.ports.row(upload) ?? []);
    const places = [...this.ports.list.children].filter((row) => sorted.includes(row));
    const focused = (this.ports.list.getRootNode() as ShadowRoot).activeElement as HTMLElement | null;
    const moved = places.flatMap((row, index) => (row === sorted[index] ? [] : [index]));
    const marks = moved.map((index) => {
      const mark = document.createComment("");
      places[index]?.replaceWith(mark);
      return mark;
    });
    for (const [at, index] of moved.entries()) marks[at]?.replaceWith(sorted[index] as Element);
    focused?.focus(); // A row that is moved loses the focus.
  }

  #uploadOf(at: Element | null): Upload | undefined {
    const row = at?.closest(".item");
    return row ? this.#waiting.find((upload) => this.ports.row(upload) === row) : undefined;
  }

  #listenForDrags(): void {
    const { list } = this.ports;
    const listen = (
      type: "dragstart" | "dragover" | "drop" | "dragend",
      handle: (event: DragEvent) => void,
    ) => list.addEventListener(type, (event) => handle(event as DragEvent));
    listen("dragstart", (event) => {
      this.#dragged = this.#uploadOf(event.target as Element) ?? null;
      if (!this.#dragged) return;
      event.dataTransfer?.setData("text/plain", this.#dragged.filename); // Firefox drags nothing without data.
      this.#mark("dragged", event.target as Element);
    });
    listen("dragover", (event) => {
      const target = this.#dragged && this.#uploadOf(event.target as Element);
      this.#mark("drop-target", target && target !== this.#dragged ? this.ports.row(target) : null);
      if (target) event.preventDefault();
    });
    listen("drop", (event) => {
      const target = this.#uploadOf(event.target as Element);
      if (!this.#dragged || !target) return;
      event.preventDefault();
      this.#move(this.#dragged, target);
    });
    listen("dragend", () => {
      this.#dragged = null;
      this.#mark("dragged", null);
      this.#mark("drop-target", null);
    });
  }

  /** One row has the class, or none. */
  #mark(name: string, row: Element | null | undefined): void {
    for (const other of this.ports.list.querySelectorAll(`.${name}`))
      other.classList.toggle(name, other === row);
    row?.classList.add(name);
  }
}
