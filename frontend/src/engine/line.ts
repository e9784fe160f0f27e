// What is known of the line to OSS, and the size of the parts that suit it: a cut costs at most some seconds of its work.

/** Seconds that the parts in flight should take: a cut may cost fifteen, and speeds vary. */
const AIM = 10;
/** OSS takes parts from 100 KB on ("Multipart upload", "Limits", in the OSS user guide). */
const MIN_PART_SIZE = 128 * 1024;
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
}

export interface LineSettings {
  readonly line: Line;
  readonly parallel: number;
}

/** The most bytes of a part that suit the line, for a file of `size` bytes; undefined while the speed is unknown. */
export function suitablePartSize(
  { line: { speed }, parallel }: LineSettings,
  size: number,
): number | undefined {
  if (size <= ONE_REQUEST && size <= (speed ?? size) * MAX_SINGLE) return ONE_REQUEST;
  return speed === null ? undefined : Math.max(MIN_PART_SIZE, Math.round((speed * AIM) / parallel));
}

/** The reason with which a pause aborts requests. */
export class Paused extends Error {}
