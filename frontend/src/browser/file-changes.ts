// Whether reading a File fails once the file on disk has changed (File API: "snapshot state", "NotReadableError").
// Chromium compares the modification time at each read. Firefox reads whatever the file holds now. The browser is asked
// by an experiment: a file of the page's private folder (OPFS) is read by the same means as one that the user has chosen.

/**
 * Milliseconds. Chromium compares whole seconds, and FAT file systems record every second one: a file that was modified
 * so short a time ago may be modified again without a trace (Git's "racy" files).
 */
const RESOLUTION = 3_000;
/** Milliseconds until the modification time of the experiment's file is another one. */
const EXPERIMENT = 1_100;

let experiment: Promise<boolean> | null = null;

/** False also where it is not known: in old browsers, in some private windows and on pages without a secure origin. */
export async function noticesChanges(file: Blob): Promise<boolean> {
  if (!(file instanceof File) || Date.now() - file.lastModified < RESOLUTION) return false;
  experiment ??= changesAreNoticed().catch(() => false);
  return experiment;
}

async function changesAreNoticed(): Promise<boolean> {
  const folder = await navigator.storage.getDirectory();
  const name = `oss-uploads-${crypto.randomUUID()}`;
  const handle = await folder.getFileHandle(name, { create: true });
  try {
    await write(handle, "before");
    const file = await handle.getFile();
    await new Promise((resolve) => setTimeout(resolve, EXPERIMENT));
    await write(handle, "after.");
    if ((await (await handle.getFile()).text()) !== "after.") return false;
    return await file.text().then(
      () => false,
      () => true,
    );
  } finally {
    await folder.removeEntry(name);
  }
}

async function write(handle: FileSystemFileHandle, text: string): Promise<void> {
  const writable = await handle.createWritable();
  await writable.write(text);
  await writable.close();
}
