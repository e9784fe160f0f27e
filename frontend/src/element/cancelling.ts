// Cancels uploads for the user.

import { importLate } from "../engine/late.ts";
import type { Upload } from "../engine/upload.ts";
import type { Localization } from "./localization.ts";

/** `place`: the element that receives an offer to undo it. */
export async function cancel(
  place: Element,
  uploads: readonly Upload[],
  localization: Localization,
): Promise<void> {
  const cancelOrOffer = await importLate(() => import("./undo.ts"), "cancelOrOffer").catch(() => null);
  // When the code of the offer cannot be loaded, the user's wish is carried out. The state shows an error.
  if (cancelOrOffer) cancelOrOffer(place, uploads, localization);
  else for (const upload of uploads) void upload.abort().catch(() => {});
}
