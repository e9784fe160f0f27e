// What can be kept of an interrupted stream: its unbroken beginning, as far as OSS holds it and this device has stored it.
// OSS's list of parts is the truth. Bytes after a gap are of no use: a player cannot read them without what is missing.

import type { Api, CompleteRequest } from "./api.ts";
import { isGone } from "./errors.ts";
import type { DonePart, Plan } from "./parts.ts";
import type { StoredChunk, StreamStore } from "./ports.ts";
import { type Range, Source } from "./source.ts";
import { streamBroken } from "./stream-broken.ts";
import { Ledger, rangeOf, streamPlan } from "./transfer.ts"; // It comes with it: no chunk more to load.

/** The unbroken beginning of a stream. Sizes are in bytes. */
export interface KeptParts {
  readonly size: number;
  /** The size of each part, from the first. */
  readonly sizes: readonly number[];
  /** What OSS holds of it. */
  readonly bytesDone: number;
}

/** Its parts are those that OSS holds, and those that this device has in their place or after them. */
export function keptParts(
  partSize: number,
  held: readonly DonePart[],
  stored: readonly StoredChunk[],
): KeptParts {
  const plan = streamPlan(partSize);
  const sizeOf = new Map(held.map(({ number, size }) => [number, size]));
  const sizes: number[] = [];
  let [size, bytesDone] = [0, 0];
  for (let number = 1; number <= plan.partCount; number++) {
    const { start, end } = rangeOf(plan, number);
    const atOss = sizeOf.get(number);
    // Other clients cut parts of other sizes; their streams are not stored here.
    const here = atOss === undefined && size === start ? storedFrom(stored, start, end) : 0;
    if (atOss !== undefined || here > 0) sizes.push(atOss ?? here);
    size += atOss ?? here;
    bytesDone += atOss ?? 0;
    if (atOss === undefined && here < end - start) break;
  }
  return { size, sizes, bytesDone };
}

/** The bytes from `start` to `end` that are stored without a gap. */
export function storedFrom(
  stored: readonly StoredChunk[],
  start: number,
  end = Number.POSITIVE_INFINITY,
): number {
  let at = start;
  for (const chunk of stored) {
    if (chunk.start <= at) at = Math.max(at, chunk.start + chunk.blob.size);
  }
  return Math.min(at, end) - start;
}

/** The parts of a stream that OSS holds, and its bytes on this device; null when the upload has ended. */
export async function heldAndStored(
  api: Api,
  store: StreamStore | null,
  id: string,
  signal: AbortSignal,
): Promise<[DonePart[], StoredChunk[]] | null> {
  try {
    return [await api.heldParts(id, signal), (await store?.list(id)) ?? []];
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

/** What is left of an interrupted stream, as the source of the upload that keeps it. */
export class KeptSource extends Source {
  constructor(
    name: string,
    readonly id: string,
    readonly parts: KeptParts,
    readonly stored: readonly StoredChunk[],
    readonly store: StreamStore | null,
  ) {
    super(new Blob([]), name);
  }

  override get isStream(): boolean {
    return true;
  }

  override ledger({ part_size: partSize }: { part_size: number }): Ledger {
    const { size, sizes } = this.parts;
    return new KeptLedger({ ...streamPlan(partSize), size, partCount: sizes.length }, sizes);
  }

  override get bytesTaken(): number {
    return this.parts.size;
  }

  override ending(): Partial<CompleteRequest> {
    return { keep: true };
  }

  /** Throws UploadError unless all of it is stored here: fewer bytes would make another object. */
  override slice({ start, end }: Range): Blob {
    if (storedFrom(this.stored, start, end) < end - start) {
      throw streamBroken(`The part at byte ${start} must be sent again, but is not stored here.`);
    }
    const pieces = this.stored
      .filter((chunk) => chunk.start < end && chunk.start + chunk.blob.size > start)
      .map(({ start: first, blob }) => blob.slice(Math.max(0, start - first), end - first));
    return new Blob(pieces);
  }

  override holds({ start, end }: Range): boolean {
    return storedFrom(this.stored, start, end) > 0;
  }

  override async assertReadable(): Promise<void> {}

  override async dispose(): Promise<void> {
    await this.store?.forget(this.id);
  }
}

/** The parts of a kept stream. Those that OSS holds may have any size. */
class KeptLedger extends Ledger {
  constructor(
    plan: Plan,
    readonly sizes: readonly number[],
  ) {
    super(plan);
  }

  protected override fits({ number, size }: DonePart): boolean {
    return this.sizes[number - 1] === size;
  }
}

/** Asks OSS and this device what there is of the stream, which no page may be sending. Rejects as the calls do. */
export async function loadKept(
  api: Api,
  { id, filename }: { readonly id: string; readonly filename: string },
  signal: AbortSignal,
): Promise<KeptSource> {
  const store = (await api.environment.streamStore?.()) ?? null;
  const { part_size: partSize } = await api.get(id, signal);
  const [held, stored] = (await heldAndStored(api, store, id, signal)) ?? [[], []];
  return new KeptSource(filename, id, keptParts(partSize, held, stored), stored, store);
}
