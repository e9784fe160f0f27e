// The area where files are chosen, dropped and pasted. It hands files over and knows nothing of uploads.

import { NetworkError } from "../engine/errors.ts";
import { importLate } from "../engine/late.ts";
import { button, h, setLabel, setText } from "./dom.ts";
import { type ChosenFile, dragsFiles, droppedItems, pastedFiles, pickedFiles, takeFiles } from "./files.ts";
import type { Localization } from "./localization.ts";

export interface DropZonePorts {
  readonly localization: Localization;
  onfiles(files: readonly ChosenFile[]): void;
  /** Some dropped files could not be read. */
  onunreadable(paths: readonly string[]): void;
  /** The code that reads a drop could not be loaded. */
  onerror(error: unknown): void;
  onrecord(): void;
  /** The user wants to choose a folder. */
  onfolder(): Promise<void>;
  /** Files are held over the area, or no longer. */
  ondrag(over: boolean): void;
}

export class DropZone {
  readonly element: HTMLElement;
  readonly chooseButton = button("choose", () => void this.#choose(), "primary");
  readonly #folderButton = button(
    "choose-folder",
    () => void this.ports.onfolder().catch(this.ports.onerror),
  );
  readonly #recordButton = button("record", () => this.ports.onrecord());
  readonly #invitation = h("p", { class: "invitation" });
  readonly #promise = h("p", { class: "promise" });
  readonly #input = h("input", { type: "file", multiple: true, hidden: true, "data-testid": "file-input" });
  readonly #singleInput = h("input", { type: "file", hidden: true, "data-testid": "continue-input" });

  #accept = "";
  #types: readonly string[] = [];
  #limits = "";

  constructor(readonly ports: DropZonePorts) {
    this.#recordButton.hidden = true;
    const icon = h("span", { class: "icon", "aria-hidden": "true" });
    const buttons = h("div", { class: "choices" }, this.chooseButton, this.#folderButton, this.#recordButton);
    this.element = h("div", { class: "zone", part: "zone" }, icon, this.#invitation, buttons, this.#promise);
    this.element.append(this.#input, this.#singleInput);
    this.#input.addEventListener("change", () => ports.onfiles(takeFiles(this.#input)));
    this.#listenForDrops();
    ports.localization.addEventListener("change", () => this.#show());
    this.#show();
  }

  set multiple(multiple: boolean) {
    this.#input.multiple = multiple;
    this.#folderButton.hidden = !(multiple && "webkitdirectory" in this.#input);
  }

  /** Of the file dialog, before the destination's types. */
  set accept(accept: string) {
    this.#accept = accept;
    this.#showTypes();
  }

  /** Media types such as `video/*`, for the file dialog; empty: all. */
  set types(types: readonly string[]) {
    this.#types = types;
    this.#showTypes();
  }

  #showTypes(): void {
    this.#input.accept = this.#singleInput.accept = this.#accept || this.#types.join();
  }

  /** Replaces the line below the buttons; "": the usual one. */
  set limits(text: string) {
    this.#limits = text;
    this.#show();
  }

  /** Whether the button that records a video is shown. */
  set camera(camera: boolean) {
    this.#recordButton.hidden = !camera;
  }

  /** Files pasted anywhere in the page, until the signal aborts. */
  listenForPaste(signal: AbortSignal): void {
    document.addEventListener("paste", (event) => this.ports.onfiles(pastedFiles(event)), { signal });
  }

  /** A file that is dropped elsewhere never replaces the page; with `isTarget` it is taken. Until the signal aborts. */
  listenForStrayDrops(signal: AbortSignal, isTarget: () => boolean): void {
    const listen = (type: "dragover" | "dragleave" | "drop", handle: (event: DragEvent) => void) =>
      document.addEventListener(type, (event) => dragsFiles(event) && handle(event), { signal });
    listen("dragover", (event) => {
      event.preventDefault();
      if (isTarget()) this.ports.ondrag(true);
      else if (event.dataTransfer) event.dataTransfer.dropEffect = "none";
    });
    listen("dragleave", ({ relatedTarget }) => relatedTarget || this.ports.ondrag(false));
    listen("drop", (event) => {
      event.preventDefault();
      if (isTarget()) this.#take(event);
    });
  }

  /** Opens the browser's file dialog for one file. */
  chooseFile(onchoose: (file: File) => void): void {
    this.#singleInput.onchange = () => {
      const [chosen] = takeFiles(this.#singleInput);
      if (chosen) onchoose(chosen.file);
    };
    this.#singleInput.click();
  }

  /** Prefers the dialog that returns handles: by a handle, one click resumes the upload after a reload. */
  async #choose(): Promise<void> {
    const picked = await pickedFiles(this.#input.multiple, this.#types);
    if (picked) this.ports.onfiles(picked);
    else this.#input.click();
  }

  #listenForDrops(): void {
    const { element } = this;
    const drag = (event: DragEvent, over: boolean) => {
      event.preventDefault();
      this.ports.ondrag(over);
    };
    element.addEventListener("dragover", (event) => drag(event, true));
    // Moving on to a child of the area also counts as leaving it.
    element.addEventListener("dragleave", (event) =>
      drag(event, element.contains(event.relatedTarget as Node | null)),
    );
    element.addEventListener("drop", (event) => {
      event.preventDefault();
      this.#take(event);
    });
  }

  #take({ dataTransfer }: DragEvent): void {
    this.ports.ondrag(false);
    const dropped = droppedItems(dataTransfer);
    importLate(() => import("./dropped.ts"), "readDrop")
      .then((readDrop) => readDrop(dropped, this))
      .catch((cause) => this.ports.onerror(new NetworkError("code_unreachable", { cause })));
  }

  #show(): void {
    const { localization } = this.ports;
    setText(this.#invitation, localization.label("drop"));
    setText(this.#promise, this.#limits || localization.label("promise"));
    setLabel(this.chooseButton, localization.label("choose"));
    setLabel(this.#folderButton, localization.label("choose_folder"));
    setLabel(this.#recordButton, localization.label("record"));
  }
}
