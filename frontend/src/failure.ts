// Shows an error so that a person can act on it.
// Its one rule: what happened, what to do, and the request id that an administrator will ask for.

import { h } from "./dom.ts";
import type { UploadError } from "./errors.ts";

export function failureView(error: UploadError): HTMLElement {
  const view = h("div", { class: "failure", part: "error", "data-testid": "error", "data-code": error.code });
  view.append(h("strong", {}, error.title), h("p", {}, error.detail));
  const fields = fieldMessages(error.errors);
  if (fields.length > 0) view.append(h("ul", {}, ...fields.map((text) => h("li", {}, text))));
  if (error.hint) view.append(h("p", { class: "hint" }, error.hint));
  const known = [error.code, error.requestId && `request ${error.requestId}`].filter(Boolean);
  view.append(h("p", { class: "trace" }, known.join(" · ")));
  return view;
}

/** The backend's messages by field; lists of part numbers and the like are no messages. */
function fieldMessages(errors: unknown): string[] {
  if (typeof errors !== "object" || errors === null) return [];
  return Object.entries(errors).flatMap(([field, messages]) =>
    (Array.isArray(messages) ? messages : [messages])
      .filter((message) => typeof message === "string")
      .map((message) => `${field}: ${message}`),
  );
}
