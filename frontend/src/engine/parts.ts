// The file as parts: which bytes each part covers.
// The backend chooses part size and count. Part numbers start at 1; ranges are half open, as Blob.slice takes them.

import type { Range } from "./source.ts";

export interface Plan {
  /** Bytes; Infinity for a stream. */
  readonly size: number;
  readonly partSize: number;
  readonly partCount: number;
  /** A stream's parts grow: after each thousand parts they are larger by one part size. */
  readonly grows?: true;
}

/** OSS's limit: "Multipart upload", "Limits", in the OSS user guide. */
const MAX_PARTS = 10_000;
/** Parts of a stream that have the same size. */
const GROWTH_STEP = 1000;

/** The plan that the backend chose. Throws RangeError when it does not cover the file exactly. */
export function planOf(size: number, partSize: number, partCount: number): Plan {
  const plan = { size, partSize, partCount };
  const valid = [size, partSize, partCount].every((n) => Number.isSafeInteger(n) && n >= 0);
  const expected = size === 0 ? 1 : Math.ceil(size / partSize);
  if (!valid || partCount !== expected) {
    throw new RangeError(`${size} in ${partCount} of ${partSize}`);
  }
  return plan;
}

/** The plan of a stream: as many parts as OSS allows, whose sizes depend on their numbers alone. */
export function streamPlan(partSize: number): Plan {
  return { size: Number.POSITIVE_INFINITY, partSize, partCount: MAX_PARTS, grows: true };
}

/** The start of a growing part, in part sizes. */
function growingStart(number: number): number {
  const [steps, rest] = [Math.floor((number - 1) / GROWTH_STEP), (number - 1) % GROWTH_STEP];
  return (GROWTH_STEP * steps * (steps + 1)) / 2 + rest * (steps + 1);
}

/** Throws RangeError when the plan has no such part. */
export function rangeOf(plan: Plan, number: number): Range {
  if (!Number.isInteger(number) || number < 1 || number > plan.partCount) {
    throw new RangeError(`Part ${number} of ${plan.partCount}`);
  }
  if (plan.grows) {
    const end = growingStart(number + 1) * plan.partSize;
    return { start: growingStart(number) * plan.partSize, end: Math.min(plan.size, end) };
  }
  const start = (number - 1) * plan.partSize;
  return { start, end: Math.min(plan.size, start + plan.partSize) };
}

export function sizeOf(plan: Plan, number: number): number {
  const { start, end } = rangeOf(plan, number);
  return end - start;
}

export function numbersOf({ partCount }: Plan): number[] {
  return Array.from({ length: partCount }, (_, index) => index + 1);
}

/** A part that OSS has taken. */
export interface DonePart {
  /** The number of the part, from 1 on. */
  readonly number: number;
  /** Bytes. */
  readonly size: number;
  /** Absent when the bucket's CORS rules hide the header; the backend reads it from OSS then. */
  readonly etag?: string;
  /** An unsigned decimal; absent for the same reason. */
  readonly crc64?: string;
}

export function allParts(plan: Plan): DonePart[] {
  return numbersOf(plan).map((number) => ({ number, size: sizeOf(plan, number) }));
}
