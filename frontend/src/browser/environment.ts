// The engine's environment in a browser.

import { Bandwidth } from "../engine/bandwidth.ts";
import { BrowserJournal } from "../engine/journal.ts";
import { importLate } from "../engine/late.ts";
import type { Clock, Connection, Environment } from "../engine/ports.ts";
import { abortable, anySignal } from "../engine/promises.ts";
import { briefRetry } from "../engine/retry.ts";
import { WorkerPool } from "../hashing/worker-pool.ts";
import { noticesChanges } from "./file-changes.ts";
import { BrowserLocks } from "./locks.ts";
import { XhrTransport } from "./transport.ts";

/** Milliseconds. */
const PROBE_TIMEOUT = 10_000;

const clock: Clock = {
  now: () => performance.now(),
  random: () => Math.random(),
  sleep: async (milliseconds, signal) => {
    signal.throwIfAborted();
    let timer = 0;
    const end = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds);
    });
    await abortable(end, signal).finally(() => clearTimeout(timer));
  },
};

const connection: Connection = {
  get online() {
    return navigator.onLine;
  },
  whenOnline: async (signal) => {
    if (navigator.onLine) return;
    const online = new Promise((resolve) => addEventListener("online", resolve, { once: true, signal }));
    await abortable(online, signal);
  },
  // A no-cors request resolves with any response, readable or not; it rejects only without one.
  reaches: (origin, signal) =>
    fetch(origin, {
      mode: "no-cors",
      cache: "no-store",
      credentials: "omit",
      signal: anySignal(signal, AbortSignal.timeout(PROBE_TIMEOUT)),
    }).then(
      () => true,
      () => false,
    ),
  blockedBy: (origin, isPrivate, signal) =>
    importLate(() => import("./blocked.ts"), "blockedBy").then(
      (blockedBy) => blockedBy(origin, isPrivate, signal),
      () => null, // The chunk could not be loaded.
    ),
};

function cookie(name: string): string {
  const pairs = document.cookie.split("; ");
  const found = pairs.find((pair) => pair.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

// Shared by all uploaders of the page: workers and database connections are few.
const hasher = new WorkerPool(briefRetry({ clock, connection }));
const journal = new BrowserJournal();
const bandwidth = new Bandwidth(clock);

export function browserEnvironment(): Environment {
  return {
    fetch: (...args) => fetch(...args),
    clock,
    connection,
    transport: new XhrTransport(),
    hasher,
    locks: new BrowserLocks(),
    journal,
    noticesChanges,
    streamStore: async () => (await importLate(() => import("./stream-store.ts"), "openStreamStore"))(),
    bandwidth,
    origin: globalThis.location?.origin ?? "", // A server renders pages, too.
    cookie,
  };
}
