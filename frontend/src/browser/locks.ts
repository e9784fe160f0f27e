// One file, one upload, however many tabs have chosen it.
// Its one rule: a lock ends with its tab, whatever becomes of it; where the browser has none, nobody waits.

import type { Locks } from "../engine/ports.ts";

export class BrowserLocks implements Locks {
  /** Null when another tab has it and `wait` is false. Gives what must be called to let go. */
  take(name: string, wait: boolean, signal: AbortSignal): Promise<(() => void) | null> {
    const { locks } = navigator;
    if (!locks) return Promise.resolve(() => {}); // a page without a secure origin
    return new Promise((resolve, reject) => {
      const options = wait ? { signal } : { ifAvailable: true };
      const hold = (lock: Lock | null) => {
        if (!lock) return resolve(null);
        return new Promise<void>((release) => resolve(() => release()));
      };
      locks.request(`oss-uploads ${name}`, options, hold).catch(reject);
    });
  }
}
