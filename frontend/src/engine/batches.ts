// The batch calls that create and complete small files, up to a hundred in each. Loaded with the first small file.

import type { Api, CompleteItem, CreatedUpload, CreateRequest, RemoteUpload } from "./api.ts";
import { Batch } from "./batch.ts";
import { type Problem, problemError } from "./http.ts";

/** Uploads in one batch call. */
const MAX_BATCH = 100;
/** Milliseconds that the first item of a batch waits. Creating delays the upload, completing delays nothing. */
const CREATE_DELAY = 30;
const COMPLETE_DELAY = 250;

export class Batches {
  readonly created: Batch<CreateRequest, CreatedUpload>;
  readonly completed: Batch<CompleteItem, RemoteUpload>;

  constructor(readonly api: Api) {
    const batch = { clock: api.environment.clock, maxSize: MAX_BATCH };
    this.created = new Batch({
      ...batch,
      delayMs: CREATE_DELAY,
      send: (uploads) => this.#send("uploads/batch/", uploads),
    });
    this.completed = new Batch({
      ...batch,
      delayMs: COMPLETE_DELAY,
      send: (uploads) => this.#send("uploads/batch/complete/", uploads),
    });
  }

  async #send<T extends object>(path: string, uploads: readonly unknown[]): Promise<(T | Error)[]> {
    const { signal } = new AbortController();
    const body = { uploads };
    const answers = await this.api.value<{ uploads: (T | Problem)[] }>("POST", path, signal, body);
    return answers.uploads.map((one) =>
      "code" in one && "status" in one ? problemError(one, null) : (one as T),
    );
  }
}
