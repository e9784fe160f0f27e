// The engine as a hook: the component renders again whenever an upload of the uploader changes.

import { useState, useSyncExternalStore } from "react";
import type { UploaderOptions } from "../engine/options.ts";
import type { Upload } from "../engine/upload.ts";
import { OssUploader } from "../engine/uploader.ts";

/** What `useUploader` returns. */
export interface UploaderState {
  /** The engine. */
  readonly uploader: OssUploader;
  /** The uploads of `uploader`, in the order in which they were started. */
  readonly uploads: readonly Upload[];
}

const EVENTS = ["accepted", "statechange", "progress", "notice"];

class Store {
  readonly uploader: OssUploader;
  #state: UploaderState;

  constructor(options: UploaderOptions | undefined) {
    this.uploader = new OssUploader(options);
    this.#state = { uploader: this.uploader, uploads: [] };
  }

  readonly state = (): UploaderState => this.#state;

  readonly subscribe = (onchange: () => void): (() => void) => {
    const ended = new AbortController();
    const update = () => {
      this.#state = { uploader: this.uploader, uploads: this.uploader.uploads };
      onchange();
    };
    for (const event of EVENTS) this.uploader.addEventListener(event, update, { signal: ended.signal });
    return () => ended.abort();
  };
}

/**
 * An uploader for as long as the component is mounted, and its uploads. `options` are those of the first render. Uploads
 * go on after the component is gone; `uploader.abortAll()` ends them.
 */
export function useUploader(options?: UploaderOptions): UploaderState {
  const [store] = useState(() => new Store(options));
  return useSyncExternalStore(store.subscribe, store.state, store.state);
}
