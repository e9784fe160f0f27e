// The engine as a composable. Vue must not wrap its objects in proxies, so they are marked and kept in shallow references.

import { markRaw, onScopeDispose, type ShallowRef, shallowRef } from "vue";
import type { UploaderOptions } from "../engine/options.ts";
import type { Upload } from "../engine/upload.ts";
import { OssUploader } from "../engine/uploader.ts";

/** What `useUploader` returns. */
export interface UploaderState {
  /** The engine. */
  readonly uploader: OssUploader;
  /** The uploads of `uploader`, in the order in which they were started. It is set anew whenever one of them changes. */
  readonly uploads: Readonly<ShallowRef<readonly Upload[]>>;
}

const EVENTS = ["accepted", "statechange", "progress", "notice"];

/** An uploader, and its uploads. They go on after the component is gone; `uploader.abortAll()` ends them. */
export function useUploader(options?: UploaderOptions): UploaderState {
  const uploader = markRaw(new OssUploader(options));
  const uploads = shallowRef<readonly Upload[]>([]);
  const ended = new AbortController();
  const update = () => {
    uploads.value = uploader.uploads.map((upload) => markRaw(upload));
  };
  for (const event of EVENTS) uploader.addEventListener(event, update, { signal: ended.signal });
  onScopeDispose(() => ended.abort(), true);
  return { uploader, uploads };
}
