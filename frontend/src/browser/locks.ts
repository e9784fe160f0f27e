// Locks among the tabs of an origin, by the Web Locks API. The browser releases the locks of a tab that ends.

import type { Locks } from "../engine/ports.ts";

const PREFIX = "oss-uploads ";

export class BrowserLocks implements Locks {
  /** Always free where the browser has no locks, on pages without a secure origin. */
  acquire(name: string, wait: boolean, signal: AbortSignal): Promise<(() => void) | null> {
    const { locks } = navigator;
    if (!locks) return Promise.resolve(() => {});
    return new Promise((resolve, reject) => {
      const options = wait ? { signal } : { ifAvailable: true };
      const hold = (lock: Lock | null) => {
        if (!lock) return resolve(null);
        return new Promise<void>((release) => resolve(() => release()));
      };
      locks.request(PREFIX + name, options, hold).catch(reject);
    });
  }

  async held(): Promise<ReadonlySet<string>> {
    const held = (await navigator.locks?.query())?.held ?? [];
    const exclusive = held.filter(({ mode }) => mode === "exclusive");
    return new Set(exclusive.map(({ name = "" }) => name.slice(PREFIX.length)));
  }

  /** By a shared lock: tabs that watch the same upload must not take each other, or themselves, for the one that sends. */
  async idle(name: string, signal: AbortSignal): Promise<void> {
    await navigator.locks?.request(PREFIX + name, { mode: "shared", signal }, () => {});
  }
}
