// Shows an error: what happened, what to do, and the request id that an administrator will ask for.

import { LoginError, type UploadError } from "../engine/errors.ts";
import { button, h, setLabel } from "./dom.ts";
import { addLateLabels } from "./late-labels.ts";
import type { Localization } from "./localization.ts";
import { canRetry } from "./questions.ts";
import { adoptSheet } from "./styles.ts";

const CSS = /* css */ `
.error {
  display: grid;
  gap: .25rem;
  padding: .875rem 1rem;
  font-size: .875rem;
  background: var(--oss-bad-surface);
  border-radius: 10px;
  overflow-wrap: anywhere;
}
.error strong { color: var(--oss-bad); }
.error ul { padding-inline-start: 1.25rem; }
.code { color: var(--oss-muted); font-size: .75rem; }
.code button { min-block-size: 24px; font-size: .75rem; padding: .125rem .625rem; margin-inline-start: .25rem; }
@media (forced-colors: active) { .error { border: 1px solid; } }
`;

/** Its styles are added to the shadow tree of `place`. */
export function errorView(place: Element, error: UploadError, localization: Localization): HTMLElement {
  addLateLabels();
  adoptSheet(place, CSS);
  const { title, detail, hint } = localization.error(error);
  const view = h("div", { class: "error", part: "error", "data-testid": "error", "data-code": error.code });
  view.append(h("strong", {}, title));
  if (error instanceof LoginError) return view; // The element offers the login, and says the rest.
  view.append(h("p", {}, detail));
  const fields = fieldMessages(error);
  if (fields.length > 0) view.append(h("ul", {}, ...fields.map((text) => h("li", {}, text))));
  if (hint) view.append(h("p", { class: "hint" }, hint));
  // The code helps whoever can do something about it; of a file that is refused the sentence says all.
  if (error.requestId || canRetry({ error })) view.append(codeLine(error, localization));
  return view;
}

function codeLine({ code, requestId }: UploadError, localization: Localization): HTMLElement {
  const line = h("p", { class: "code" }, code);
  if (!requestId) return line;
  line.append(" · ", localization.label("request", { id: requestId }));
  // A page without https has no clipboard.
  if (navigator.clipboard) line.append(" ", copyButton(requestId, localization));
  return line;
}

function copyButton(requestId: string, localization: Localization): HTMLButtonElement {
  const subject = localization.label("request_id");
  const copy = button("copy", async () => {
    const copied = navigator.clipboard.writeText(requestId).then(
      () => true,
      () => false, // The user denied access to the clipboard.
    );
    if (await copied) setLabel(copy, localization.label("copied"), subject);
  });
  setLabel(copy, localization.label("copy"), subject);
  return copy;
}

/** The backend's messages by field. Values that are no text, and what `detail` says already, are left out. */
function fieldMessages({ errors, detail }: UploadError): string[] {
  if (typeof errors !== "object" || errors === null) return [];
  return Object.entries(errors).flatMap(([field, messages]) =>
    (Array.isArray(messages) ? messages : [messages])
      .filter((message) => typeof message === "string" && !detail.includes(message))
      .map((message) => `${field}: ${message}`),
  );
}
