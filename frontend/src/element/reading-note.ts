// Says how many files of a folder have been found while it is read.

import { h, setText } from "./dom.ts";
import { addLateLabels } from "./late-labels.ts";
import type { Localization } from "./localization.ts";

/** Milliseconds between two updates; a screen reader reads each of them. */
const UPDATE_EVERY = 1000;

export class ReadingNote {
  readonly #element = h("p", { class: "promise", role: "status", "data-testid": "reading" });
  #shownAt = Number.NEGATIVE_INFINITY;

  constructor(
    readonly localization: Localization,
    /** The element that the note is added to. */
    readonly place: HTMLElement,
  ) {
    addLateLabels();
  }

  readonly show = (count: number): void => {
    const now = performance.now();
    if (now - this.#shownAt < UPDATE_EVERY) return;
    this.#shownAt = now;
    if (!this.#element.isConnected) this.place.append(this.#element);
    setText(this.#element, this.localization.label("folder_reading", { count }));
  };

  remove(): void {
    this.#element.remove();
  }
}
