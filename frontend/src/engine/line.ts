// The size of the parts that suit the line to OSS.

/**
 * Bytes and seconds up to which a file is one request, for all that is known: a multipart upload needs two more requests
 * to OSS, and a preflight for each part.
 */
const ONE_REQUEST = 32 * 1024 * 1024;
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
  readonly parallel: number;
  /** Bytes that the page wishes for. */
  readonly partSize?: number;
}

/** The bytes of a part to ask the backend for, for a file of `size` bytes; undefined where any will do. */
export function suitablePartSize({ line, partSize }: LineSettings, size: number): number | undefined {
  const isShort = size <= ONE_REQUEST && size <= (line.speed ?? size) * MAX_SINGLE;
  const most = isShort ? ONE_REQUEST : line.partSize;
  return most ? Math.min(most, partSize ?? most) : partSize;
}

/** The reason with which a pause aborts requests. */
export class Paused extends Error {}
