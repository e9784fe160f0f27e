// Finds the upload that was begun with this file, here or elsewhere, or begins one.
// Its one rule: asked and begun in one call, so that after a lost answer asking again finds what it began; and what the
// storage still holds is never thrown away.

import type { Answer, Api, RemoteUpload, SignedBatch } from "./api.ts";
import { asUploadError, isGone } from "./errors.ts";
import type { Source } from "./source.ts";
import type { Transfer } from "./transfer.ts";

export interface OpeningPorts {
  readonly api: Api;
  readonly source: Source;
  readonly destination: string;
  /** The id of the upload to go on with, where the page knows it. */
  readonly takeUp: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** Not worth asking whether it was begun before: sending it costs no more, and many are begun in one call. */
  readonly small: boolean;
  /** Whoever asks again after a lost answer is given what that began. */
  readonly key: string;
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
  const known = ports.takeUp && (await takeUp(ports, await ports.api.get(ports.takeUp, signal), signal));
  if (known) return known;
  const { value, status } = await begin(ports, fingerprint, fingerprint !== null);
  if (status === 201) return created(ports, value);
  const found = isSame(value, ports, fingerprint) && (await takeUp(ports, value, signal));
  return found || created(ports, (await begin(ports, fingerprint, false)).value);
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

function isSame({ fingerprint, size }: RemoteUpload, { source }: OpeningPorts, ours: string | null): boolean {
  return fingerprint === ours && size === source.size;
}

/** Awaited even by pause and abort: cut off, it would leave an upload nobody knows. */
async function begin(
  { api, destination, source, metadata, sign, small, key }: OpeningPorts,
  fingerprint: string | null,
  resume: boolean,
): Promise<Answer<RemoteUpload & Partial<SignedBatch>>> {
  const beginning = {
    destination,
    filename: source.name,
    size: source.isStream ? null : source.size,
    content_type: source.type,
    ...(fingerprint && { fingerprint }),
    metadata,
    sign,
    ...(resume && { resume }),
  };
  if (!small) return api.create(beginning, key, new AbortController().signal);
  return { status: 201, retryAfter: null, value: await api.createSoon(beginning) };
}

function created(ports: OpeningPorts, upload: RemoteUpload & Partial<SignedBatch>): Transfer {
  const transfer = ports.transferOf(upload);
  const { parts, server_time } = upload;
  if (parts && server_time) transfer.accept({ parts, server_time });
  return transfer;
}
