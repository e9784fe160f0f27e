// The list of uploads on the page.
// In a long list an item's view is built when it comes near the viewport, so that thousands cost no more than a few.

import type { Upload } from "../engine/upload.ts";
import { h } from "./dom.ts";
import { type LinkOf, UploadItem } from "./item.ts";
import type { Localization } from "./localization.ts";

/** A list of at most so many items is built at once. */
const SHORT = 50;

export interface ListItem {
  readonly element: Element;
  build(): void;
  show(): void;
}

export class UploadList {
  readonly element = h("ul", { class: "list", part: "list" });
  readonly #items = new Map<Upload, ListItem>();
  readonly #byElement = new WeakMap<Element, ListItem>();
  readonly #observer = new IntersectionObserver((entries) => this.#buildVisible(entries), {
    rootMargin: "100% 0px",
  });

  constructor(
    readonly localization: Localization,
    readonly link: LinkOf,
  ) {
    localization.addEventListener("change", () => this.#show());
    this.#show();
  }

  /** Inserts an item before `before`, or at the end. */
  add(
    upload: Upload,
    before: Node | null,
    item: ListItem = new UploadItem(upload, this.localization, this.link),
  ): void {
    this.#items.set(upload, item);
    this.#byElement.set(item.element, item);
    // A folder's code is loaded first, and `before` may be gone by then.
    this.element.insertBefore(item.element, before?.parentNode === this.element ? before : null);
    const long = this.#items.size > SHORT;
    this.element.classList.toggle("long", long);
    if (long) this.#observer.observe(item.element);
    else item.build();
  }

  /** Undefined for an upload that was removed. */
  row(upload: Upload): Element | undefined {
    return this.#items.get(upload)?.element;
  }

  remove(upload: Upload): void {
    const item = this.#items.get(upload);
    if (!item) return;
    this.#observer.unobserve(item.element);
    item.element.remove();
    this.#items.delete(upload);
    this.element.classList.toggle("long", this.#items.size > SHORT);
  }

  #show(): void {
    this.element.setAttribute("aria-label", this.localization.label("uploads"));
    for (const item of this.#items.values()) item.show();
  }

  #buildVisible(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      this.#observer.unobserve(target);
      this.#byElement.get(target)?.build();
    }
  }
}
