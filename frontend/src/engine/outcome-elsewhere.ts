// How an upload ended that this page did not end: completed or aborted by another tab, an administrator or its expiry, or
// failed at the backend.

import type { RemoteUpload } from "./api.ts";
import { AbortedError, ApiError } from "./errors.ts";

/** Whether an upload has ended without an object, or its object has been deleted. */
export function hasEndedWithoutObject(state: unknown): boolean {
  return /aborted|failed|deleted/.test(String(state));
}

/** The upload that is completed or has failed. Null when the backend takes it for unfinished, or does not answer. */
export async function outcomeElsewhere(
  ask: () => Promise<RemoteUpload>,
): Promise<RemoteUpload | AbortedError | null> {
  try {
    const remote = await ask();
    if (remote.state === "completed" || remote.state === "failed") return remote;
    return hasEndedWithoutObject(remote.state) ? new AbortedError("aborted_elsewhere", remote.error) : null;
  } catch (error) {
    return error instanceof ApiError && error.status === 404 ? new AbortedError("aborted_elsewhere") : null;
  }
}
