// Cancels uploads for the user.

import type { Upload } from "../engine/upload.ts";
import type { Localization } from "./localization.ts";

/** `place`: the element that receives an offer to undo it. */
export async function cancel(
  place: Element,
  uploads: readonly Upload[],
  localization: Localization,
): Promise<void> {
  const late = await import("./undo.ts").catch(() => null);
  // When the code of the offer cannot be loaded, the user's wish is carried out. The state shows an error.
  if (late) late.cancelOrOffer(place, uploads, localization);
  else for (const upload of uploads) void upload.abort().catch(() => {});
}
