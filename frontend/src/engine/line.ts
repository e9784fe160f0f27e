// The size of the parts that suit the line to OSS.

import type { Bandwidth } from "./bandwidth.ts";

/**
 * Bytes and seconds up to which a file is one request, for all that is known: a multipart upload needs two more requests
 * to OSS, and a preflight for each part.
 */
export const ONE_REQUEST = 32 * 1024 * 1024;
const MAX_SINGLE = 4;

/** Shared by the uploads of an uploader. Not kept beyond the page: yesterday's speed may be that of another line. */
export interface Line {
  /** Bytes a second, as measured last. */
  speed: number | null;
  /** Bytes that parts may have on a line that turned out to be slow. */
  partSize: number | null;
}

export interface LineSettings {
  readonly line: Line;
  readonly bandwidth: Bandwidth;
  /** Bytes that the page wishes for. */
  readonly partSize?: number;
}

/**
 * The bytes of a part to ask the backend for; undefined where any will do. It is the smallest of what the page wishes
 * for, what suits the limit of the bandwidth, and, for a file of `size` bytes, what suits the line. Of a stream `size` is
 * null: OSS takes 10,000 parts, so that smaller ones would make it shorter.
 */
export function suitablePartSize(
  { line, bandwidth, partSize }: LineSettings,
  size: number | null,
): number | undefined {
  const wish = bandwidth.partSize(partSize);
  if (size === null) return wish;
  const isShort = size <= ONE_REQUEST && size <= (line.speed ?? size) * MAX_SINGLE;
  const most = isShort ? ONE_REQUEST : line.partSize;
  return most ? Math.min(most, wish ?? most) : wish;
}

/** The reason with which a pause aborts requests. */
export class Paused extends Error {}
