// Cancels uploads: at once where little is lost, otherwise with an offer to undo it.

import type { Upload } from "../engine/upload.ts";
import type { Localization } from "./localization.ts";

/** Seconds of uploading that may be lost without a question. */
const CHEAP_SECONDS = 3;

/** Whether aborting would lose more than a few seconds of uploading. */
export function isCostly({ loaded, speed }: { loaded: number; speed: number | null }): boolean {
  return loaded > 0 && !(speed && loaded / speed < CHEAP_SECONDS);
}

/** `place`: the element that receives the offer to undo. */
export async function cancel(
  place: Element,
  uploads: readonly Upload[],
  localization: Localization,
): Promise<void> {
  // When the code of the offer cannot be loaded, the user's wish is carried out.
  const offered =
    uploads.some(({ progress }) => isCostly(progress)) && (await import("./undo.ts").catch(() => null));
  if (offered) offered.offerAbort(place, uploads, localization);
  else for (const upload of uploads) void upload.abort().catch(() => {});
}
