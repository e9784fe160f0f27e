// Shows an error so that a person can act on it.
// Its one rule: what happened, what to do, and the request id that an administrator will ask for.

import type { UploadError } from "../engine/errors.ts";
import { button, h, word } from "./dom.ts";
import type { Speech } from "./language.ts";

export function failureView(error: UploadError, speech: Speech): HTMLElement {
  const { title, detail, hint } = speech.error(error);
  const view = h("div", { class: "failure", part: "error", "data-testid": "error", "data-code": error.code });
  view.append(h("strong", {}, title), h("p", {}, detail));
  const fields = fieldMessages(error.errors);
  if (fields.length > 0) view.append(h("ul", {}, ...fields.map((text) => h("li", {}, text))));
  if (hint) view.append(h("p", { class: "hint" }, hint));
  const trace = h("p", { class: "trace" }, error.code);
  if (error.requestId) trace.append(" · ", speech.label("request", { id: error.requestId }));
  if (error.requestId && navigator.clipboard) trace.append(" ", copyButton(error.requestId, speech));
  view.append(trace);
  return view;
}

/** Only where there is a clipboard: a page on plain http has none. */
function copyButton(id: string, speech: Speech): HTMLButtonElement {
  const copy = button("copy", async () => {
    const copied = navigator.clipboard.writeText(id).then(
      () => true,
      () => false, // The browser asked, and the person said no.
    );
    if (await copied) word(copy, speech.label("copied"), speech.label("request_id"));
  });
  word(copy, speech.label("copy"), speech.label("request_id"));
  return copy;
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
