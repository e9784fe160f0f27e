// Finds the upload that was begun with this file, here or elsewhere, or begins one.
// Its one rule: asked and created in one breath each time, so that after a lost answer to create, asking finds what it
// began; and what the storage still holds is never thrown away.

import type { Api, RemoteUpload } from "./api.ts";
import { asUploadError } from "./errors.ts";
import type { Source } from "./source.ts";
import { isGone, type Transfer } from "./transfer.ts";

export interface OpeningPorts {
  readonly api: Api;
  readonly source: Source;
  readonly destination: string;
  /** The id of the upload to go on with, where the page knows it. */
  readonly takeUp: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** Not worth asking whether it was begun before: sending it costs no more, and many are begun in one call. */
  readonly small: boolean;
  /** How many first parts are to be signed in the same call. */
  readonly sign: number;
  transferOf(remote: RemoteUpload): Transfer;
}

export async function open(
  ports: OpeningPorts,
  fingerprint: string | null,
  signal: AbortSignal,
): Promise<Transfer> {
  signal.throwIfAborted();
  const found = ports.small && !ports.takeUp ? undefined : await find(ports, fingerprint, signal);
  return (found && (await takeUp(ports, found, signal))) ?? (await create(ports, fingerprint));
}

async function find(
  { api, destination, takeUp }: OpeningPorts,
  fingerprint: string | null,
  signal: AbortSignal,
): Promise<RemoteUpload | undefined> {
  if (takeUp) return api.get(takeUp, signal);
  if (!fingerprint) return undefined;
  const known = await api.list({ destination, fingerprint }, signal);
  // One that is being put together was left by a page that closed at the very end: it needs no byte more.
  return known.find(
    (upload) =>
      (upload.state === "uploading" || upload.state === "completing") && upload.fingerprint === fingerprint,
  );
}

/** Undefined when the storage no longer knows the upload, whatever the backend believes. */
async function takeUp(
  { api, transferOf }: OpeningPorts,
  found: RemoteUpload,
  signal: AbortSignal,
): Promise<Transfer | undefined> {
  const transfer = transferOf(found);
  try {
    await transfer.inspect(signal);
    return transfer;
  } catch (error) {
    if (!isGone(asUploadError(error))) throw error;
    // Asking may have shown that it is finished; sending it all again would be a waste.
    const { state } = await api.get(found.id, signal);
    return state === "completed" ? transfer : undefined;
  }
}

/** Awaited even by pause and abort: cut off, it would leave an upload nobody knows. */
async function create(
  { api, destination, source, metadata, transferOf, sign, small }: OpeningPorts,
  fingerprint: string | null,
): Promise<Transfer> {
  const beginning = {
    destination,
    filename: source.name,
    size: source.isStream ? null : source.size,
    content_type: source.type,
    ...(fingerprint && { fingerprint }),
    metadata,
    sign,
  };
  const created = await (small
    ? api.createSoon(beginning)
    : api.create(beginning, new AbortController().signal));
  const transfer = transferOf(created);
  if (sign) transfer.accept(created);
  return transfer;
}
