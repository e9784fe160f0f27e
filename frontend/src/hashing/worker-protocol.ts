// The messages between the page and a hashing worker, and the worker's loop: one blob at a time, in order.

export interface HashRequest {
  readonly id: number;
  readonly blob: Blob;
}

/** Carries either `value` or `error`. */
export interface HashResponse {
  readonly id: number;
  readonly value?: string;
  readonly error?: string;
}

export function serve(hash: (blob: Blob) => Promise<string>): void {
  let last: Promise<unknown> = Promise.resolve();
  self.addEventListener("message", ({ data: { id, blob } }: MessageEvent<HashRequest>) => {
    last = last
      .then(() => hash(blob))
      .then(
        (value) => self.postMessage({ id, value } satisfies HashResponse),
        (error: unknown) => self.postMessage({ id, error: String(error) } satisfies HashResponse),
      );
  });
}
