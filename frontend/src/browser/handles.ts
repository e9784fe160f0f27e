// Opens a file again by the handle that the browser has kept.
// Permission is requested before anything is awaited: browsers ask only during a click.

import { codeUnreachable, fileUnreadable } from "../engine/errors.ts";
import { importLate } from "../engine/late.ts";

interface PermissionHandle extends FileSystemHandle {
  requestPermission?(wanted: { mode: "read" }): Promise<PermissionState>;
}

/** The file as it is now. Rejects with FileError when permission is denied or the file is gone. */
export async function reopenFile(handle: FileSystemFileHandle): Promise<File> {
  await requestPermission(handle);
  try {
    return await handle.getFile();
  } catch (error) {
    throw fileUnreadable(handle.name, error);
  }
}

/** Rejects with FileError when permission is denied. */
export async function requestPermission(handle: FileSystemHandle): Promise<void> {
  const asked = (handle as PermissionHandle).requestPermission?.({ mode: "read" });
  const permission = await asked?.catch(() => "denied");
  if (permission !== undefined && permission !== "granted") {
    const notAllowed = await importLate(() => import("../engine/resuming.ts"), "notAllowed").catch(
      codeUnreachable,
    );
    throw notAllowed(handle.name);
  }
}
