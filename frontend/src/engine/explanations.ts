// Why OSS refuses an upload, or gives no readable answer. The code for it is loaded after the first such failure.

import type { Api, RemoteUpload } from "./api.ts";
import type { Diagnosis } from "./diagnosis.ts";
import type { StorageError } from "./errors.ts";
import { importLate } from "./late.ts";
import type { SignedRequest } from "./ports.ts";

/** A request to OSS without a readable response. */
export interface Failure {
  readonly request: SignedRequest;
  /** On the clock of the environment. */
  readonly startedAt: number;
  /** Whether OSS has given this upload a readable response before. */
  readonly responded: () => boolean;
}

/** The explanations of one upload. */
export class Explanations {
  #diagnosis: Promise<Diagnosis | null> | null = null;

  constructor(
    readonly api: Api,
    readonly remote: Pick<RemoteUpload, "id" | "destination">,
  ) {}

  /** Throws the UploadError of a cause that does not pass. Resolves with why the upload waits, "" if it is not known. */
  async examine(failure: Failure, signal: AbortSignal): Promise<string> {
    return (await (await this.#load())?.examine(failure, signal)) ?? "";
  }

  /** The error of a final refusal, with what to do. */
  async explain(error: StorageError): Promise<StorageError> {
    return (await this.#load())?.explain(error) ?? error;
  }

  #load(): Promise<Diagnosis | null> {
    this.#diagnosis ??= importLate(() => import("./diagnosis.ts"), "Diagnosis").then(
      (Diagnosis) => new Diagnosis(this.api, this.remote),
      () => {
        this.#diagnosis = null; // The chunk could not be loaded.
        return null;
      },
    );
    return this.#diagnosis;
  }
}
