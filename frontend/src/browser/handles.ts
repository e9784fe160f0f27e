// A file that the browser may open again by itself.
// Its one rule: permission is asked for in the click that takes the upload up, before anything is awaited: a browser
// asks nobody who did not just click.

import { FileError, fileChanged, said } from "../engine/errors.ts";

interface Permitted extends FileSystemFileHandle {
  requestPermission?(wanted: { mode: "read" }): Promise<PermissionState>;
}

/** The file as it is now. Rejects with FileError when the person says no, or it is gone. */
export async function openAgain(handle: FileSystemFileHandle): Promise<File> {
  const permission = await (handle as Permitted).requestPermission?.({ mode: "read" }).catch(() => "denied");
  if (permission !== undefined && permission !== "granted") {
    throw new FileError({ code: "file_not_allowed", ...said("file_not_allowed", { name: handle.name }) });
  }
  try {
    return await handle.getFile();
  } catch (error) {
    throw fileChanged(handle.name, error);
  }
}
