// Announces changes to screen readers. Several changes in quick succession are announced as one summary.

import { h } from "./dom.ts";

/** Milliseconds for which announcements are collected. */
const COLLECT_FOR = 1000;
/** More announcements than this are replaced by the summary. */
const MAX_SINGLE = 2;

export class Announcer {
  readonly element = h("p", { class: "visually-hidden", role: "status", "data-testid": "announcer" });
  #texts: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `summary` returns the state of all uploads in one sentence. */
  constructor(readonly summary: () => string) {}

  announce(text: string): void {
    this.#texts.push(text);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.element.textContent = this.#texts.length > MAX_SINGLE ? this.summary() : this.#texts.join(" ");
      this.#texts = [];
    }, COLLECT_FOR);
  }
}
