// The plan of an upload: which bytes each part covers. The backend decides part size and count; here is only arithmetic.
// Its one rule: pure; part numbers start at 1, ranges are half open as Blob.slice wants them.

export interface Plan {
  /** Infinity of a stream. */
  readonly size: number;
  readonly partSize: number;
  readonly partCount: number;
  /** A stream's parts grow: each thousand is larger by one part size. */
  readonly grows?: true;
}

const MOST_PARTS = 10_000;
const STEP = 1000;

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A plan as the backend gave it, refused when it does not cover the file exactly. */
export function planOf(size: number, partSize: number, partCount: number): Plan {
  const plan = { size, partSize, partCount };
  const whole = [size, partSize, partCount].every((n) => Number.isSafeInteger(n) && n >= 0);
  const expected = size === 0 ? 1 : Math.ceil(size / partSize);
  if (!whole || partCount !== expected) {
    throw new RangeError(`${partCount} parts of ${partSize} bytes do not cover ${size} bytes.`);
  }
  return plan;
}

/** For a stream: as many parts as there may be, of sizes that both sides of a pause agree on. */
export function streamPlan(partSize: number): Plan {
  return { size: Number.POSITIVE_INFINITY, partSize, partCount: MOST_PARTS, grows: true };
}

/** How many part sizes lie before a growing part. */
function partsBefore(number: number): number {
  const [whole, rest] = [Math.floor((number - 1) / STEP), (number - 1) % STEP];
  return (STEP * whole * (whole + 1)) / 2 + rest * (whole + 1);
}

export function rangeOf(plan: Plan, number: number): Range {
  if (!Number.isInteger(number) || number < 1 || number > plan.partCount) {
    throw new RangeError(`There is no part ${number} among ${plan.partCount}.`);
  }
  if (plan.grows) {
    return { start: partsBefore(number) * plan.partSize, end: partsBefore(number + 1) * plan.partSize };
  }
  const start = (number - 1) * plan.partSize;
  return { start, end: Math.min(plan.size, start + plan.partSize) };
}

export function sizeOf(plan: Plan, number: number): number {
  const { start, end } = rangeOf(plan, number);
  return end - start;
}

export function everyPart(plan: Plan): { number: number; size: number }[] {
  return Array.from({ length: plan.partCount }, (_, index) => ({
    number: index + 1,
    size: sizeOf(plan, index + 1),
  }));
}
