// What the element says of files that it does not upload, and of errors that concern no single upload.

import { h, withoutDirections } from "./dom.ts";
import type { Localization } from "./localization.ts";
import { showError } from "./show-error.ts";

export class Messages {
  readonly element = h("div", { class: "errors", role: "alert" });

  constructor(readonly localization: Localization) {}

  clear(): void {
    this.element.replaceChildren();
  }

  showError(error: unknown): void {
    showError(this.element, error, this.localization);
  }

  /** Files and folders that cannot be read. */
  addUnreadable(paths: readonly string[]): void {
    const names = withoutDirections(paths.join(", "));
    this.element.append(h("p", {}, this.localization.label("unreadable", { names })));
  }

  /** Why files are refused, in sentences. */
  addRefusals(refusals: readonly string[]): void {
    this.element.append(...refusals.map((text) => h("p", { "data-testid": "refusal" }, text)));
  }
}
