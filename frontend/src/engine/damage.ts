// The error of parts that were damaged again and again. Loaded when it happens.

import { StorageError, textFields } from "./errors.ts";

/** The text of the error damaged. */
export const DAMAGED = [
  "Parts were damaged repeatedly.",
  "OSS received other bytes than were sent (parts: {parts}).",
  "A device in the network changes the data, or the file changes while it is read. Try another network.",
] as const;

/** The error of parts that were damaged again and again. */
export function damagedParts(numbers: readonly number[]): StorageError {
  const parts = numbers.slice(0, 5).join(", ");
  return new StorageError({ code: "damaged", ...textFields("damaged", DAMAGED, { parts }) });
}
