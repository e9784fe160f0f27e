// Says to those who listen to the page what others see.
// Its one rule: it does not chatter: what comes in quick succession is said once, as the state of the whole.

import { h } from "./dom.ts";

/** Milliseconds within which news are said together. */
const GATHER = 1000;

export class Announcer {
  readonly element = h("p", { class: "unseen", role: "status", "data-testid": "announcer" });
  #news: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `whole` says how all stands, where there is too much to say one by one. */
  constructor(readonly whole: () => string) {}

  say(text: string): void {
    this.#news.push(text);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.element.textContent = this.#news.length > 2 ? this.whole() : this.#news.join(" ");
      this.#news = [];
    }, GATHER);
  }
}
