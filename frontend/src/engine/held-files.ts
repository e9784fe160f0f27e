// What the backend knows of an interrupted folder: files that have been uploaded already, and unfinished uploads.
// A file counts as uploaded when its path, its size and its fingerprint agree.

import type { Api } from "./api.ts";
import { fingerprintOf, quickFingerprint } from "./fingerprint.ts";
import type { FolderList } from "./folder-list.ts";
import { NEVER } from "./promises.ts";
import { Source } from "./source.ts";

/** A file of a folder as the backend lists it. */
export interface HeldFile {
  readonly id: string;
  readonly relative_path: string;
  readonly size: number | null;
  readonly fingerprint: string;
}

export interface HeldPage {
  /** The URL of the next page; null on the last one. */
  readonly next: string | null;
  /** Number of unfinished uploads of the folder's files. */
  readonly unfinished: number;
  readonly results: readonly HeldFile[];
}

interface AbortedFolder {
  readonly aborted: number;
  readonly left: number;
}

/** Files that are compared before the page may react to its user. */
const COMPARED_AT_ONCE = 500;

/** The journal's id of a folder. */
export function folderId(destination: string, name: string): string {
  return `folder ${destination} ${name}`;
}

/**
 * What has been uploaded of the folder, if it was interrupted: in this browser, or on another device.
 * A page cannot resume files of one request that another page had begun, so these are aborted.
 */
export async function heldFiles(
  api: Api,
  destination: string,
  folder: string,
  wasInterrupted: boolean,
  signal: AbortSignal,
): Promise<readonly HeldFile[]> {
  const get = (search: string) => api.value<HeldPage>("GET", `uploads/folder/${search}`, signal);
  const first = `?${new URLSearchParams({ destination, folder })}`;
  let page = await get(first);
  if (!wasInterrupted && page.unfinished === 0) return [];
  if (page.unfinished > 0) {
    await abortFolder(api, destination, folder, "single", signal);
    page = await get(first); // One may have been completed meanwhile.
  }
  const found = [...page.results];
  while (page.next) {
    // Only the query of `next` is used: behind a proxy its host may be another.
    page = await get(new URL(page.next, api.environment.origin).search);
    for (const file of page.results) found.push(file);
  }
  return found;
}

/** Aborts the folder's unfinished uploads; `only`: those of one request. */
export async function abortFolder(
  api: Api,
  destination: string,
  folder: string,
  only?: "single",
  signal = NEVER,
): Promise<void> {
  const search = new URLSearchParams({ destination, folder, ...(only && { single: "true" }) });
  for (let more = true; more; ) {
    const { left, aborted } = await api.value<AbortedFolder>("DELETE", `uploads/folder/?${search}`, signal);
    more = left > 0 && aborted > 0;
  }
}

/** Marks the files as skipped that are held. */
export async function skipHeld(
  list: FolderList,
  held: readonly HeldFile[],
  api: Api,
  signal: AbortSignal,
): Promise<void> {
  // The backend stores names in NFC; macOS gives them decomposed.
  const byPath = new Map(held.map((file) => [file.relative_path, file]));
  for (let index = 0; index < list.count; index++) {
    if (index % COMPARED_AT_ONCE === 0) await api.environment.clock.sleep(0, signal);
    const found = byPath.get(list.path(index).normalize("NFC"));
    if (list.state(index) !== "waiting" || found?.size !== list.size(index)) continue;
    if (await isSame(found, list.file(index), list.path(index))) list.finish(index, found.id, "skipped");
    signal.throwIfAborted();
  }
}

async function isSame({ fingerprint }: HeldFile, file: File, path: string): Promise<boolean> {
  if (fingerprint === quickFingerprint(file)) return true;
  if (!fingerprint.startsWith("v1-")) return false;
  // A file that cannot be read fails when it is sent, alone.
  return (await fingerprintOf(new Source(file, path)).catch(() => null)) === fingerprint;
}
