// Whether a file is the one of an unfinished upload, and the errors of others. Loaded when one is resumed.

import { FileError, textFields } from "./errors.ts";
import type { JournalEntry } from "./ports.ts";
import type { Source } from "./source.ts";

/** The text of the error other_file. */
export const OTHER_FILE = [
  "This is a different file.",
  "“{name}” is not the file of the unfinished upload “{expected}”: its name, size or content differs.",
  "Choose the original file, or discard the unfinished upload.",
] as const;

/** The text of the error file_not_allowed. */
export const NOT_ALLOWED = [
  "Permission to read the file was denied.",
  "The browser did not get permission to read “{name}” again.",
  "Allow access when the browser asks, or choose the file again.",
] as const;

/**
 * Rejects with FileError when it is another file. Other clients send no fingerprint; name and size decide then, and
 * checksums compare the rest. Without checksums (`dated`) the date must be the same, which only the fingerprint shows.
 */
export async function assertFileOf(
  unfinished: JournalEntry,
  source: Source,
  fingerprintOf: (source: Source, dated: boolean) => Promise<string | null>,
  dated: boolean,
): Promise<void> {
  const { size, fingerprint, filename } = unfinished;
  // That of a small file of a folder says nothing of its bytes.
  const same = fingerprint?.startsWith("v1-")
    ? (await fingerprintOf(source, dated)) === fingerprint
    : !dated && source.name === filename;
  if (!same || source.size !== size) throw otherFile(source.name, filename);
}

export function otherFile(name: string, expected: string): FileError {
  return new FileError({ code: "other_file", ...textFields("other_file", OTHER_FILE, { name, expected }) });
}

export function notAllowed(name: string): FileError {
  const text = textFields("file_not_allowed", NOT_ALLOWED, { name });
  return new FileError({ code: "file_not_allowed", ...text });
}
