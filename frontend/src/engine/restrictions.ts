// Which files an uploader takes: their types, their sizes, and how many of them.

import { FileError, textFields } from "./errors.ts";
import type { ErrorTuple, Facts } from "./sentences.ts";

/** Which files an uploader takes. */
export interface Restrictions {
  /** As the attribute `accept` of `<input type="file">`: ".pdf, image/*". */
  readonly accept?: string;
  /** Bytes of one file. */
  readonly maxSize?: number;
  /** Uploads that have neither failed nor been aborted. */
  readonly maxFiles?: number;
}

/** Title, detail and hint of each refusal. */
export const RESTRICTION_ERRORS = {
  too_large: ["The file is too large.", "“{name}” has {size} bytes; the most here are {most}.", ""],
  too_many: ["There are too many files.", "At most {most} files can be uploaded here.", ""],
  wrong_type: [
    "This type of file is not accepted.",
    "“{name}” is none of: {accept}.",
    "Choose another file.",
  ],
} as const satisfies Record<string, ErrorTuple>;

/** The code of a refusal. */
export type RestrictionName = keyof typeof RESTRICTION_ERRORS;

/** Throws FileError for a file that is refused. `count`: the other uploads that there are. */
export function assertAllowed(
  file: Blob,
  { accept, maxSize = Number.POSITIVE_INFINITY, maxFiles = Number.POSITIVE_INFINITY }: Restrictions,
  name = file instanceof File ? file.name : "",
  count = 0,
): void {
  const refuse = (code: RestrictionName, facts: Facts) => {
    throw new FileError({ code, ...textFields(code, RESTRICTION_ERRORS[code], { name, ...facts }) });
  };
  if (count >= maxFiles) refuse("too_many", { most: maxFiles });
  if (file.size > maxSize) refuse("too_large", { size: file.size, most: maxSize });
  if (accept && !matches(accept, name, file.type)) refuse("wrong_type", { accept });
}

/** HTML, "File Upload state", `accept`: extensions, media types, and `image/*` and its like. */
function matches(accept: string, name: string, type: string): boolean {
  const accepted = accept
    .toLowerCase()
    .split(",")
    .map((one) => one.trim());
  return accepted.some((one) => {
    if (one.startsWith(".")) return name.toLowerCase().endsWith(one);
    return one.endsWith("/*") ? type.startsWith(one.slice(0, -1)) : one === type;
  });
}
