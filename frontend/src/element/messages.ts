// What the element says of files that it does not upload, and of errors that concern no single upload.

import { asUploadError } from "../engine/errors.ts";
import { h, withoutDirections } from "./dom.ts";
import { errorView } from "./error-view.ts";
import type { Localization } from "./localization.ts";

export class Messages {
  readonly element = h("div", { class: "errors", role: "alert" });

  constructor(readonly localization: Localization) {}

  clear(): void {
    this.element.replaceChildren();
  }

  showError(error: unknown): void {
    this.element.replaceChildren(errorView(asUploadError(error), this.localization));
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
