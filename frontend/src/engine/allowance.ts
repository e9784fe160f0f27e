// What the user may upload to the destination, and links to completed uploads.

import type { Api } from "./api.ts";

/** What the user may upload to a destination. Null: no limit. */
export interface Allowance {
  /** The name of the destination. */
  readonly name: string;
  /** Bytes of one file. */
  readonly max_size: number | null;
  /** Patterns such as `video/*`; empty: every type. */
  readonly content_types: readonly string[];
  /** Unfinished uploads that the user may still have. */
  readonly uploads_left: number | null;
  /** Bytes in 24 hours. */
  readonly max_bytes_per_day: number | null;
  /** What is left of them. */
  readonly bytes_left: number | null;
  /** Whether completed uploads have download links. */
  readonly downloads: boolean;
}

/** A presigned URL. Whoever has it can read the object until it expires. */
export interface DownloadLink {
  /** A presigned URL of the object. */
  readonly url: string;
  /** ISO 8601. */
  readonly expires_at: string;
}

export function allowanceOf(api: Api, destination: string, signal: AbortSignal): Promise<Allowance> {
  return api.value("GET", `destinations/${encodeURIComponent(destination)}/`, signal);
}

export function downloadLink(
  api: Api,
  id: string,
  inline: boolean,
  signal: AbortSignal,
): Promise<DownloadLink> {
  return api.value("GET", `uploads/${id}/download/${inline ? "?inline=true" : ""}`, signal);
}
