// The upload of a file at the backend: the unfinished one of the same file, or a new one.

import { type CreatedUpload, FIRST_BATCH, type RemoteUpload } from "./api.ts";
import { isGone } from "./errors.ts";
import { quickFingerprint } from "./fingerprint.ts";
import type { HttpResponse } from "./http.ts";
import { ONE_REQUEST, suitablePartSize } from "./line.ts";
import { hasEndedWithoutObject } from "./outcome-elsewhere.ts";
import type { PreparationSettings } from "./preparation.ts";
import { abortable, NEVER } from "./promises.ts";
import type { Source } from "./source.ts";
import type { Transfer } from "./transfer.ts";

interface OpeningPorts {
  readonly source: Source;
  readonly isSmall: boolean;
  /** Null for small files and streams, and where the browser cannot hash. */
  readonly fingerprint: string | null;
  /** The upload to resume, where it is known. */
  readonly resumeId: string | undefined;
  transferOf(remote: RemoteUpload): Transfer;
}

/** Bytes of a part that the backend takes at least where nothing else is wished for. */
const SMALLEST_PART = 8 * 1024 * 1024;

export class Opening {
  constructor(
    readonly settings: PreparationSettings,
    readonly ports: OpeningPorts,
  ) {}

  /** Resolves with its transfer. May be repeated with the same key. Rejects with UploadError, or the signal's reason. */
  async open(key: string, signal: AbortSignal): Promise<Transfer> {
    const { fingerprint, resumeId: id } = this.ports;
    signal.throwIfAborted();
    const resumed = id && (await this.#resume(await this.settings.api.get(id, signal), signal));
    if (resumed) return resumed;
    const crc64 = await abortable(this.#checksum(), signal);
    const { value, status } = await this.#create(key, crc64, fingerprint !== null);
    if (status === 201) return this.#begin(value, crc64);
    const found = this.#isSame(value) && (await this.#resume(value, signal));
    if (found) return found;
    const created = await this.#create(key, crc64, false);
    return this.#begin(created.value, crc64);
  }

  #begin(created: CreatedUpload, crc64: string | undefined): Transfer {
    const transfer = this.ports.transferOf(created);
    const { parts, server_time } = created;
    if (parts && server_time) transfer.accept({ parts, server_time }, crc64);
    return transfer;
  }

  /** Undefined when the upload has ended without an object, or OSS no longer knows it, whatever the backend has recorded. */
  async #resume(found: RemoteUpload, signal: AbortSignal): Promise<Transfer | undefined> {
    const { source, transferOf } = this.ports;
    // OSS, which knows no upload of a file in one request, does not say so. A stream cannot begin again.
    if (hasEndedWithoutObject(found.state) && !source.isStream) return undefined;
    const transfer = transferOf(found);
    try {
      await transfer.inspect(signal);
      return transfer;
    } catch (error) {
      if (!isGone(error)) throw error;
      // The call may have shown the backend that the upload is completed.
      const { state } = await this.settings.api.get(found.id, signal);
      if (state !== "completed" && source.ending?.().keep) throw error; // There is nothing to begin again with.
      return state === "completed" ? transfer : undefined;
    }
  }

  #isSame({ fingerprint, size }: RemoteUpload): boolean {
    return fingerprint === this.ports.fingerprint && size === this.ports.source.size;
  }

  /** Bytes of a part to ask for; undefined where any will do. */
  get #partSize(): number | undefined {
    const { source } = this.ports;
    return suitablePartSize(this.settings, source.isStream ? null : source.size);
  }

  /** Of a file that probably goes in one request. Should this page be gone, the backend compares the object with it. */
  async #checksum(): Promise<string | undefined> {
    const { integrity, api } = this.settings;
    const { source } = this.ports;
    const isParted = source.isStream || source.size > Math.min(this.#partSize ?? SMALLEST_PART, ONE_REQUEST);
    return integrity !== "crc64" || isParted ? undefined : source.crc64(api.environment.hasher);
  }

  /** Not aborted with the upload: a call cut off would leave an upload that nobody knows. */
  async #create(
    key: string,
    crc64: string | undefined,
    resume: boolean,
  ): Promise<HttpResponse<CreatedUpload>> {
    const { api, destination, metadata, options } = this.settings;
    const { source, isSmall } = this.ports;
    // A file of a folder has its path as its name.
    const inFolder = source.name.includes("/");
    const { blob } = source;
    const quick = inFolder && isSmall && blob instanceof File ? quickFingerprint(blob) : null;
    const fingerprint = this.ports.fingerprint ?? quick;
    const request = {
      destination,
      filename: source.name,
      ...(inFolder && { relative_path: source.name }),
      size: source.isStream ? null : source.size,
      content_type: source.type,
      ...(fingerprint && { fingerprint }),
      metadata,
      options, // Undefined is left out of the request, here and below.
      part_size: this.#partSize,
      sign: this.#urlsToSign(),
      crc64,
      ...(resume && { resume }),
    };
    if (!isSmall) return api.create(request, key, NEVER);
    return { status: 201, retryAfter: null, value: await api.createInBatch(request) };
  }

  /** With MD5, parts are hashed before their URLs are requested. With STS, one URL shows where the object is. */
  #urlsToSign(): number {
    const { signing, integrity } = this.settings;
    if (integrity === "md5") return 0;
    return signing === "sts" ? 1 : FIRST_BATCH;
  }
}
