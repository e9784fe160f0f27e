// What OSS holds of an upload, as it says.

import type { Api, RemoteUpload } from "./api.ts";
import { isGone } from "./errors.ts";
import type { DonePart } from "./parts.ts";

/** The parts that OSS holds; null once they are being put together. Rejects with NetworkError or ApiError. */
export async function heldParts(
  api: Api,
  { id, method, state }: RemoteUpload,
  signal: AbortSignal,
): Promise<readonly DonePart[] | null> {
  if (method !== "multipart") return state === "completing" ? null : [];
  try {
    return await api.heldParts(id, signal);
  } catch (error) {
    // An upload that is being completed has all its parts; otherwise the complete call names the missing ones.
    if (!isGone(error)) throw error;
    if ((await api.get(id, signal)).state === "completing") return null;
    throw error;
  }
}
