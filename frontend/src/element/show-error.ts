// Shows an error in a place of the page. The view is loaded with the first error.

import { asUploadError } from "../engine/errors.ts";
import { importLate } from "../engine/late.ts";
import type { Localization } from "./localization.ts";

/** Replaces the content of `place`. Where the view cannot be loaded, as without a network, the text is shown alone. */
export function showError(place: Element, error: unknown, localization: Localization): void {
  const known = asUploadError(error);
  const mark = document.createComment("");
  place.replaceChildren(mark);
  // Meanwhile something else may have come in its place.
  const show = (view: Node | string) => mark.parentNode === place && place.replaceChildren(view);
  importLate(() => import("./error-view.ts"), "errorView").then(
    (errorView) => show(errorView(place, known, localization)),
    () => {
      const { title, detail } = localization.error(known);
      show(`${title} ${detail}`);
    },
  );
}
