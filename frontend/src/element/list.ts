// The uploads on the page, in their order.
// Its one rule: of a long list a row is built when it comes near the window, so that thousands cost no more than a few.

import type { Upload } from "../engine/upload.ts";
import { h } from "./dom.ts";
import { UploadItem } from "./item.ts";
import type { Speech } from "./language.ts";

/** Rows up to which nobody waits for them to come near. */
const SHORT = 50;

export class UploadList {
  readonly element = h("ul", { class: "list", part: "list" });
  readonly #items = new Map<Upload, UploadItem>();
  readonly #byElement = new WeakMap<Element, UploadItem>();
  readonly #near = new IntersectionObserver((entries) => this.#build(entries), { rootMargin: "100% 0px" });

  constructor(readonly speech: Speech) {
    speech.addEventListener("change", () => this.#speak());
    this.#speak();
  }

  /** The newest choice stands on top, its files in their own order: `below` is what was on top before. */
  add(upload: Upload, below: Node | null): void {
    const item = new UploadItem(upload, this.speech);
    this.#items.set(upload, item);
    this.#byElement.set(item.element, item);
    this.element.insertBefore(item.element, below);
    const long = this.#items.size > SHORT;
    this.element.classList.toggle("long", long);
    if (long) this.#near.observe(item.element);
    else item.build();
  }

  remove(upload: Upload): void {
    const item = this.#items.get(upload);
    if (!item) return;
    this.#near.unobserve(item.element);
    item.element.remove();
    this.#items.delete(upload);
    this.element.classList.toggle("long", this.#items.size > SHORT);
  }

  #speak(): void {
    this.element.setAttribute("aria-label", this.speech.label("uploads"));
    for (const item of this.#items.values()) item.show();
  }

  #build(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      this.#near.unobserve(target);
      this.#byElement.get(target)?.build();
    }
  }
}
