// Ends work that has stopped moving.
// Its one rule: it judges by the time since the last sign of life, never by age; slow is fine, silent is not.

import type { Clock } from "./ports.ts";

export class Silence extends Error {
  override name = "Silence";
}

/** Runs `work`; its signal aborts with `Silence` once `alive` was not called for `quiet` milliseconds. */
export async function watched<T>(
  clock: Clock,
  quiet: number,
  signal: AbortSignal,
  work: (signal: AbortSignal, alive: () => void) => Promise<T>,
): Promise<T> {
  const silence = new AbortController();
  const over = new AbortController();
  let moved = clock.now();
  const watch = async () => {
    for (let left = quiet; left > 0; left = quiet - (clock.now() - moved)) {
      await clock.sleep(left, over.signal);
    }
    silence.abort(new Silence(`Nothing moved for ${quiet / 1000} s.`));
  };
  watch().catch(() => {}); // ended by `over`, below
  try {
    return await work(AbortSignal.any([signal, silence.signal]), () => {
      moved = clock.now();
    });
  } finally {
    over.abort();
  }
}
