// Options for Uppy's @uppy/aws-s3: uploads go by our backend's Companion routes.
//
//   uppy.use(AwsS3, await uppyOptions({ destination: "films" }));
//
// Its one rule: the address is the right to upload, good for a day; a page that stays open longer asks again.

import { browserWorld } from "../browser/browser.ts";
import type { World } from "../engine/ports.ts";
import { type AdapterOptions, backend } from "./ask.ts";

/** What Uppy 5 says of a part. */
export interface UppyPart {
  readonly uploadId?: string | undefined;
  readonly key: string;
  readonly partNumber: number;
  readonly body: Blob | FormData;
  readonly signal?: AbortSignal | undefined;
}

/** What Uppy 5 is told of it. */
export interface SignedUppyPart {
  readonly method: "PUT";
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly expires: number;
}

export interface UppyOptions {
  /** Of Uppy 6. */
  readonly companionEndpoint: string;
  /** Of Uppy 5. */
  readonly endpoint: string;
  /** Every file in parts, if of one: only then does Uppy tell the backend that it has arrived. */
  readonly shouldUseMultipart: true;
  /** Of Uppy 5, which sends a file of one part with its type; what is sent has to be signed. Uppy 6 sends none. */
  signPart(file: unknown, part: UppyPart): Promise<SignedUppyPart>;
  readonly expiresAt: string;
}

export async function uppyOptions(
  options: AdapterOptions = {},
  world: World = browserWorld(),
): Promise<UppyOptions> {
  const { signal } = new AbortController();
  const answer = await backend(options, world).companion(options.destination ?? "default", signal);
  const base = answer.companion_url.replace(/\/$/, "");
  return {
    companionEndpoint: base,
    endpoint: base,
    shouldUseMultipart: true,
    signPart: (_, part) => sign(world, base, part),
    expiresAt: answer.expires_at,
  };
}

async function sign(world: World, base: string, part: UppyPart): Promise<SignedUppyPart> {
  const { uploadId = "", key, partNumber, body, signal = null } = part;
  const type = body instanceof Blob ? body.type : "";
  const where = `${base}/s3/multipart/${encodeURIComponent(uploadId)}/${partNumber}`;
  const answer = await world.fetch(`${where}?${new URLSearchParams({ key, type })}`, { signal });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.message);
  return { method: "PUT", ...told };
}
