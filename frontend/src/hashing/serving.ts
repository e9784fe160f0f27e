// What a hashing worker does all day. Its one rule: one at a time, in the order in which they came.

export interface Question {
  readonly id: number;
  readonly blob: Blob;
}

export interface Answer {
  readonly id: number;
  readonly value?: string;
  readonly error?: string;
}

export function serve(hash: (blob: Blob) => Promise<string>): void {
  let turn: Promise<unknown> = Promise.resolve();
  self.addEventListener("message", ({ data: { id, blob } }: MessageEvent<Question>) => {
    turn = turn
      .then(() => hash(blob))
      .then(
        (value) => self.postMessage({ id, value } satisfies Answer),
        (error: unknown) => self.postMessage({ id, error: String(error) } satisfies Answer),
      );
  });
}
