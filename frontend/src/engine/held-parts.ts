// What OSS holds of an upload, as it says.

import type { Api, RemoteUpload } from "./api.ts";
import { asUploadError, isGone } from "./errors.ts";
import { allParts, type DonePart, type Plan } from "./parts.ts";

/** The parts that OSS holds. Rejects with NetworkError or ApiError. */
export async function heldParts(
  api: Api,
  { id, method, state }: RemoteUpload,
  plan: Plan,
  signal: AbortSignal,
): Promise<readonly DonePart[]> {
  if (method !== "multipart") return state === "completing" ? allParts(plan) : [];
  try {
    return await api.heldParts(id, signal);
  } catch (error) {
    // An upload that is being completed has all its parts; otherwise the complete call names the missing ones.
    if (!isGone(asUploadError(error))) throw error;
    if ((await api.get(id, signal)).state === "completing") return allParts(plan);
    throw error;
  }
}
