// The doors through which the engine meets the world.
// Its one rule: interfaces and the values that cross them, nothing else; tests and hosts put their own behind them.

/** Time, sleep and chance. `now` is monotonic milliseconds: the device's calendar is never trusted. */
export interface Clock {
  now(): number;
  /** Rejects with the signal's reason when aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
  random(): number;
}

/** What the browser believes of its own connection. */
export interface Connection {
  readonly online: boolean;
  whenOnline(signal: AbortSignal): Promise<void>;
  /** Whether anything at all answers at this origin, allowed to be read or not. */
  reaches(origin: string, signal: AbortSignal): Promise<boolean>;
}

/** A signed request: PUT with exactly these headers, or POST with a form of these fields and the file last. */
export interface Signed {
  readonly url: string;
  readonly method: "PUT" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly fields?: Readonly<Record<string, string>>;
}

export interface SendRequest {
  readonly signed: Signed;
  readonly body: Blob;
  readonly signal: AbortSignal;
  onprogress(loaded: number): void;
}

/** The storage's answer; status 0 when there was none that could be read. */
export interface SendAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** Sends one body. Rejects only when aborted through the signal. */
export interface Transport {
  send(request: SendRequest): Promise<SendAnswer>;
}

export interface JournalEntry {
  readonly id: string;
  readonly destination: string;
  readonly filename: string;
  readonly size: number;
  readonly fingerprint: string | null;
  readonly bytesDone: number;
  readonly updatedAt: string;
  /** Opens the file again without choosing it, where the browser can. */
  readonly handle?: FileSystemFileHandle;
}

/** What this browser remembers of unfinished uploads. Nothing here rejects. */
export interface Journal {
  list(): Promise<JournalEntry[]>;
  record(entry: JournalEntry): Promise<void>;
  forget(id: string): Promise<void>;
}

/** Hashes a blob without holding it. Rejects when it cannot be read. */
export interface Hasher {
  /** CRC64 as an unsigned decimal, MD5 in base64. */
  hash(algorithm: "crc64" | "md5", blob: Blob): Promise<string>;
}

/** Locks that all tabs of the page's origin share. */
export interface Locks {
  take(name: string, wait: boolean, signal: AbortSignal): Promise<(() => void) | null>;
}

export interface World {
  readonly locks: Locks;
  readonly hasher: Hasher;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly connection: Connection;
  readonly transport: Transport;
  readonly journal: Journal;
  readonly origin: string;
  /** The value of a cookie the page may read, or "". */
  cookie(name: string): string;
}
