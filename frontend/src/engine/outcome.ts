// How an upload ended that the backend or OSS says is gone.

import type { Api, RemoteUpload } from "./api.ts";
import { ApiError } from "./errors.ts";
import type { Retry } from "./retry.ts";

/** Null when the backend takes the upload for unfinished, or does not answer. */
export async function outcomeOf(
  api: Api,
  id: string,
  retry: Retry,
  signal: AbortSignal,
): Promise<RemoteUpload | "aborted" | null> {
  try {
    const remote = await retry(() => api.get(id, signal), signal);
    if (remote.state === "completed") return remote;
    return remote.state === "aborted" || remote.state === "deleted" ? "aborted" : null;
  } catch (error) {
    return error instanceof ApiError && error.status === 404 ? "aborted" : null;
  }
}
