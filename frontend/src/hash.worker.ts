// The worker: takes a blob, gives its hash. Its one rule: one at a time, in the order in which they came.

import { type Algorithm, hash } from "./hashing.ts";

interface Question {
  readonly id: number;
  readonly algorithm: Algorithm;
  readonly blob: Blob;
}

let turn: Promise<unknown> = Promise.resolve();

self.addEventListener("message", ({ data: { id, algorithm, blob } }: MessageEvent<Question>) => {
  turn = turn
    .then(() => hash(algorithm, blob))
    .then(
      (value) => self.postMessage({ id, value }),
      (error: unknown) => self.postMessage({ id, error: String(error) }),
    );
});
