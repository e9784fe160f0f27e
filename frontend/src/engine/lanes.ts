// A few workers over one queue.
// Its one rule: the first failure stops the others, and nothing runs on once `runLanes` has returned.

/** Works through `take()` until it gives nothing more, as many at a time as `width` says then. */
export async function runLanes<T>(
  width: () => number,
  take: (signal: AbortSignal) => T | undefined | Promise<T | undefined>,
  work: (item: T, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  const lanes = new Set<Promise<void>>();
  let empty = false;
  const lane = async () => {
    // One too many ends with its part.
    while (!empty && lanes.size <= width()) {
      const item = await take(either);
      if (item === undefined) {
        empty = true;
        return;
      }
      await work(item, either);
      either.throwIfAborted();
      open();
    }
  };
  const open = () => {
    while (!empty && !either.aborted && lanes.size < width()) {
      const running: Promise<void> = lane()
        .catch((error: unknown) => failure.abort(error))
        .finally(() => lanes.delete(running));
      lanes.add(running);
    }
  };
  open();
  while (lanes.size) await Promise.all(lanes);
  either.throwIfAborted();
}
