// What the uploads of a folder's files add up to: their bytes, and why none of them moves.

import type { Notice } from "./events.ts";
import { isActive } from "./states.ts";
import type { Upload } from "./upload.ts";

/** A file of the folder has become an upload. */
export class FolderFileEvent extends Event {
  constructor(
    /** The upload of the file. */
    readonly upload: Upload,
  ) {
    super("upload");
  }
}

/** Bytes, as of one upload. */
export function bytesOf(uploads: Iterable<Upload>): { kept: number; loaded: number } {
  let [kept, loaded] = [0, 0];
  for (const { progress } of uploads) {
    kept += progress.kept;
    loaded += progress.loaded;
  }
  return { kept, loaded };
}

/** The notice of the upload that tries again first; null while bytes of any are being sent. */
export function noticeOf(uploads: Iterable<Upload>): Notice | null {
  let first: Notice | null = null;
  for (const { state, notice, progress } of uploads) {
    if (!isActive(state)) continue;
    if (!notice && progress.loaded > progress.kept) return null;
    if (notice && (!first || waitOf(notice) < waitOf(first))) first = notice;
  }
  return first;
}

/** Seconds; Infinity for what does not end by itself, such as a lost connection. */
function waitOf({ facts }: Notice): number {
  return Number(facts.wait ?? Number.POSITIVE_INFINITY);
}
