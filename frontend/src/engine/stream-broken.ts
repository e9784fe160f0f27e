// The error of a stream whose bytes are lost, for one that is running and for one that was interrupted.

import { reasonOf, textFields, UploadError } from "./errors.ts";

/** The text of the error stream_broken. */
export const BROKEN = [
  "The recording was interrupted.",
  "{detail}",
  "Reload the page to keep what was uploaded, or start again.",
] as const;

export function streamBroken(cause: unknown): UploadError {
  return new UploadError({
    code: "stream_broken",
    ...textFields("stream_broken", BROKEN, { detail: reasonOf(cause) }),
  });
}
