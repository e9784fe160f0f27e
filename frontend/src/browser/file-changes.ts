// Whether reading a File fails once the file on disk has changed (File API: "snapshot state", "NotReadableError").
// Chromium compares the modification time whenever it begins to read. Firefox reads whatever the file holds now. A page
// cannot find out: it can change files of its own private folder (OPFS) only, and a change there replaces the file.

/**
 * Milliseconds. Chromium compares whole seconds, and FAT file systems record every second one: a file that was modified
 * so short a time ago may be modified again without a trace (Git's "racy" files).
 */
const RESOLUTION = 3_000;

interface Branded {
  readonly userAgentData?: { readonly brands: readonly { readonly brand: string }[] };
}

/** False also where it is not known, as on pages without a secure origin. */
export function noticesChanges(file: Blob): boolean {
  if (!(file instanceof File) || Date.now() - file.lastModified < RESOLUTION) return false;
  const { brands = [] } = (navigator as Branded).userAgentData ?? {};
  return brands.some(({ brand }) => brand === "Chromium");
}
