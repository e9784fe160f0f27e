// What the engine needs of its environment, as interfaces. ../browser implements them; tests and hosts may replace them.

import type { Bandwidth } from "./bandwidth.ts";

/** Time, sleep and randomness. The device's date is not used. */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Rejects with the signal's reason when aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** 0 up to 1, exclusive. */
  random(): number;
}

/** The state of the network. */
export interface Connection {
  /** Whether the browser has a network. */
  readonly online: boolean;
  /** Rejects with the signal's reason when aborted. */
  whenOnline(signal: AbortSignal): Promise<void>;
  /** Whether the origin answers at all, readable or not. */
  reaches(origin: string, signal: AbortSignal): Promise<boolean>;
  /**
   * What in the browser or the page keeps requests from this origin; null when nothing is known. `isPrivate`: the origin
   * answers others, so that its address may be one of a private network, whatever its name.
   */
  blockedBy?(origin: string, isPrivate: boolean, signal: AbortSignal): Promise<BlockedBy | null>;
}

/** Mixed content, the page's Content-Security-Policy, or the browser's permission for local networks. */
export type BlockedBy = "mixed_content" | "csp_blocked" | "local_network_denied";

/**
 * A signed request of OSS: PUT (UploadPart, PutObject) with exactly these headers, or POST (PostObject) with a form of
 * these fields and the file last.
 */
export interface SignedRequest {
  /** With the signature, for a PUT. */
  readonly url: string;
  /** PUT for UploadPart and PutObject, POST for PostObject. */
  readonly method: "PUT" | "POST";
  /** Exactly these must be sent. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The fields of the form, before the file. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** One request to OSS. */
export interface SendRequest {
  /** What the backend or temporary credentials have signed. */
  readonly signed: SignedRequest;
  /** The bytes to send. */
  readonly body: Blob;
  /** Aborts the request. */
  readonly signal: AbortSignal;
  /** Bytes of the body that were sent so far. */
  onprogress(loaded: number): void;
}

/** OSS's response; status 0 when there was none that could be read. */
export interface SendResponse {
  /** The HTTP status; 0 without a response that could be read. */
  readonly status: number;
  /** Those that CORS exposes. */
  readonly headers: Headers;
  /** OSS's error document, or "". */
  readonly body: string;
}

/** Sends one body to OSS. Rejects only with the signal's reason. */
export interface Transport {
  /** Resolves with OSS's response, of any status. */
  send(request: SendRequest): Promise<SendResponse>;
}

/** An interrupted folder: the number of its files, and of those that have been uploaded. */
export interface FolderRecord {
  /** The number of its files. */
  readonly files: number;
  /** The number of those that have been uploaded. */
  readonly filesDone: number;
  /** Reads the folder again without a dialog, where the browser can. */
  readonly handle?: FileSystemDirectoryHandle;
}

/** An unfinished upload as this browser remembers it. Sizes are in bytes. */
export interface JournalEntry {
  /** The upload's id at the backend. */
  readonly id: string;
  /** The name of its destination. */
  readonly destination: string;
  /** The name of the file. */
  readonly filename: string;
  /** Bytes of the file. */
  readonly size: number;
  /** By which the file is recognised; null where the browser could not compute it. */
  readonly fingerprint: string | null;
  /** Bytes of the finished parts. */
  readonly bytesDone: number;
  /** ISO 8601, by the server's clock. */
  readonly updatedAt: string;
  /** Opens the file again without a file chooser, where the browser can. */
  readonly handle?: FileSystemFileHandle;
  /** Of a folder, whose `filename` ends with a slash. */
  readonly folder?: FolderRecord;
  /** Of a stream. Its `size` is what there is of it so far. */
  readonly stream?: true;
}

/** This browser's memory of unfinished uploads. No method rejects. */
export interface Journal {
  /** All entries. */
  list(): Promise<JournalEntry[]>;
  /** Writes an entry over the one with the same id. */
  record(entry: JournalEntry): Promise<void>;
  /** Removes an entry. */
  forget(id: string): Promise<void>;
}

/** Hashes a blob without holding it in memory. Rejects when it cannot be read. */
export interface Hasher {
  /**
   * CRC-64/XZ as an unsigned decimal, the form of OSS's header x-oss-hash-crc64ecma; MD5 in base64, the form of
   * Content-MD5.
   */
  hash(algorithm: "crc64" | "md5", blob: Blob): Promise<string>;
}

/** Locks that all tabs of the page's origin share (Web Locks API). */
export interface Locks {
  /** Resolves with the function that releases the lock; null when another tab has it and `wait` is false. */
  acquire(name: string, wait: boolean, signal: AbortSignal): Promise<(() => void) | null>;
  /** The names of the locks that any tab has. */
  held?(): Promise<ReadonlySet<string>>;
  /** Resolves when no tab has the lock; those that wait here are not in `held`. Rejects with the signal's reason. */
  idle(name: string, signal: AbortSignal): Promise<void>;
}

/** Bytes of a stream on the device's disk. */
export interface StoredChunk {
  /** The first byte in the stream. */
  readonly start: number;
  /** The bytes. */
  readonly blob: Blob;
}

/**
 * What live streams have given and OSS does not have yet, on the device's disk, by the ids of their uploads. It outlives
 * the page. No method but `write` rejects.
 */
export interface StreamStore {
  /** Resolves with the same bytes, read from the disk when they are used. Rejects when the disk is full. */
  write(uploadId: string, start: number, bytes: Blob): Promise<Blob>;
  /** In the order of their bytes. */
  list(uploadId: string): Promise<StoredChunk[]>;
  /** Removes the bytes that were written from `start` on. */
  remove(uploadId: string, start: number): Promise<void>;
  /** Removes all bytes of an upload. */
  forget(uploadId: string): Promise<void>;
  /** The uploads that have bytes here. */
  uploadIds(): Promise<string[]>;
}

/** All that the engine needs of its surroundings. */
export interface Environment {
  /** Locks between the tabs of the page. */
  readonly locks: Locks;
  /** Computes checksums. */
  readonly hasher: Hasher;
  /** Sends the requests to the backend. */
  readonly fetch: typeof fetch;
  /** Time, sleep and randomness. */
  readonly clock: Clock;
  /** The state of the network. */
  readonly connection: Connection;
  /** Sends the requests to OSS. */
  readonly transport: Transport;
  /** This browser's memory of unfinished uploads. */
  readonly journal: Journal;
  /**
   * Whether the browser refuses to read this file once it has changed, by its modification time. Where it does not, or
   * where nothing is known, the engine reads each part twice.
   */
  noticesChanges?(file: Blob): boolean;
  /** Null where the browser has no such store; live streams wait in memory then, up to a limit. */
  streamStore?(): Promise<StreamStore | null>;
  /** Shared by the uploaders of the page. Without it, each uploader has its own. */
  readonly bandwidth?: Bandwidth;
  /** The page's origin. */
  readonly origin: string;
  /** The value of a cookie that the page may read, or "". */
  cookie(name: string): string;
}
