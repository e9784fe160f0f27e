// The rows and answers of the model backend.

import type { RemoteUpload } from "../../src/engine/api.ts";
import { rangeOf, streamPlan } from "../../src/engine/parts.ts";
import { emptyRow } from "../row.ts";
import { HOST, OTHER_HOST } from "./oss.ts";
import type { Plan } from "./plan.ts";

export type Row = { -readonly [K in keyof RemoteUpload]: RemoteUpload[K] } & {
  /** The CRC64 by part number, as recorded. */
  readonly recorded: Map<number, string | undefined>;
  /** The CRC64 of the whole file, as the client reported it last. */
  expected: string | undefined;
  /** The sweep completed it. */
  isAdopted: boolean;
  /** OSS has dropped its parts. */
  isLost: boolean;
};

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfter?: number;
}

/** Seconds. */
const WAIT_FOR_OSS = 2;

/** A new row for the body of a create call. */
export function newRow(
  body: { size: number | null; filename: string; content_type: string; fingerprint?: string; crc64?: string },
  number: string,
  { partSize, put, other }: Plan,
  serverTime: number,
): Row {
  const id = `${number}-${body.filename}`;
  const { size } = body;
  const count = size === null ? null : Math.max(1, Math.ceil(size / partSize));
  const now = new Date(serverTime).toISOString();
  const method = count !== 1 ? "multipart" : put ? "put" : "post";
  const own = { id, upload_id: null, method, size, part_size: partSize, part_count: count } as const;
  const row = emptyRow(own, { ...body, destination: "default", metadata: {} }, now);
  const hosts = other === "none" ? [] : [HOST, OTHER_HOST];
  return {
    ...row,
    addresses: hosts.map((host) => `${host}/${row.key}`),
    recorded: new Map(),
    expected: body.crc64,
    isAdopted: false,
    isLost: false,
  };
}

/** The number of the last part of a stream of this size. */
export function lastStreamPart(partSize: number, size: number): number {
  const plan = streamPlan(partSize);
  let number = 1;
  while (rangeOf(plan, number).end < size) number++;
  return number;
}

export function batch<T>(uploads: readonly T[], one: (item: T) => Answer): Answer {
  return { status: 207, body: { uploads: uploads.map((item) => one(item).body) } };
}

export function busy(): Answer {
  return { ...problem(503, "storage_busy"), retryAfter: 5 };
}

export function waiting(row: Row): Answer {
  return { status: 202, body: row, retryAfter: WAIT_FOR_OSS };
}

export function problem(status: number, code: string, more: object = {}): Answer {
  return { status, body: { title: "Refused", detail: "In words.", status, code, ...more } };
}
