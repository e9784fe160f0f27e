// What the buttons of an unfinished upload do. Loaded with the rows.

import { reopenFile } from "../browser/handles.ts";
import type { Unfinished } from "../engine/uploader.ts";
import type { UnfinishedPorts } from "./unfinished.ts";

/**
 * Resumes with the chosen file, or else with the file of the handle; keeps an interrupted stream. Rejects when it is
 * another file.
 */
export async function resume(ports: UnfinishedPorts, entry: Unfinished, chosen?: File): Promise<void> {
  const uploader = ports.uploader();
  const handle = chosen ? undefined : entry.handle;
  const file = chosen ?? (handle && (await reopenFile(handle)));
  if (!entry.stream && !(file && ports.accepts(file))) return;
  const upload = entry.stream
    ? uploader.keep(entry)
    : await uploader.resume(entry, file, handle && { handle });
  ports.remove(entry.id);
  ports.add(upload);
}

/** Asks again first: another tab may have resumed it. */
export async function discard(ports: UnfinishedPorts, entry: Unfinished): Promise<void> {
  const uploader = ports.uploader();
  if (await uploader.isRunning(entry)) return ports.refresh();
  await uploader.discard(entry);
  ports.remove(entry.id);
  ports.announce("announce_aborted", entry.filename);
}
