// A few workers over one queue.
// Its one rule: the first failure stops the others, and nothing runs on once `runLanes` has returned.

/** Works through `take()` until it gives nothing more, `count` at a time. */
export async function runLanes<T>(
  count: number,
  take: (signal: AbortSignal) => T | undefined | Promise<T | undefined>,
  work: (item: T, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  const lane = async () => {
    for (let item = await take(either); item !== undefined; item = await take(either)) {
      await work(item, either);
      either.throwIfAborted();
    }
  };
  const lanes = Array.from({ length: count }, () => lane().catch((error: unknown) => failure.abort(error)));
  await Promise.all(lanes);
  either.throwIfAborted();
}
