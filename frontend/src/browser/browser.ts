// The browser behind the engine's ports.
// Its one rule: the only module of the engine that touches globals of a page.

import { BrowserJournal } from "../engine/journal.ts";
import type { Clock, Connection, World } from "../engine/ports.ts";
import { WorkerPool } from "../hashing/hasher.ts";
import { BrowserLocks } from "./locks.ts";
import { XhrTransport } from "./transport.ts";

const PROBE = 10_000;

const clock: Clock = {
  now: () => performance.now(),
  random: () => Math.random(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const stop = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", stop);
        resolve();
      }, milliseconds);
      signal.addEventListener("abort", stop, { once: true });
    }),
};

const connection: Connection = {
  get online() {
    return navigator.onLine;
  },
  whenOnline: (signal) =>
    new Promise((resolve, reject) => {
      if (navigator.onLine) return resolve();
      if (signal.aborted) return reject(signal.reason);
      const over = new AbortController();
      const settle = (done: () => void) => () => {
        over.abort();
        done();
      };
      addEventListener("online", settle(resolve), { signal: over.signal });
      signal.addEventListener(
        "abort",
        settle(() => reject(signal.reason)),
        { signal: over.signal },
      );
    }),
  // An answer that may not be read is an answer: only a dead line rejects.
  reaches: (origin, signal) =>
    fetch(origin, {
      mode: "no-cors",
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE)]),
    }).then(
      () => true,
      () => false,
    ),
};

function cookie(name: string): string {
  const pairs = document.cookie.split("; ");
  const found = pairs.find((pair) => pair.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

// One for the page, however many engines it makes: workers and connections are few.
const hasher = new WorkerPool();
const journal = new BrowserJournal();

export function browserWorld(): World {
  return {
    fetch: (...args) => fetch(...args),
    clock,
    connection,
    transport: new XhrTransport(),
    hasher,
    locks: new BrowserLocks(),
    journal,
    origin: location.origin,
    cookie,
  };
}
