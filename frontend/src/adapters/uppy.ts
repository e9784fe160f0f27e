// Options for Uppy's @uppy/aws-s3: uploads go by our backend's Companion routes.
//
//   uppy.use(AwsS3, await uppyOptions({ destination: "films" }));
//
// Its one rule: the address is the right to upload, good for a day; a page that stays open longer asks again.

import type { World } from "../ports.ts";
import { type AdapterOptions, backend } from "./ask.ts";

export interface UppyOptions {
  /** Of Uppy 6. */
  readonly companionEndpoint: string;
  /** Of Uppy 5. */
  readonly endpoint: string;
  /** Every file in parts, if of one: only then does Uppy tell the backend that it has arrived. */
  readonly shouldUseMultipart: true;
  readonly expiresAt: string;
}

export async function uppyOptions(options: AdapterOptions = {}, world?: World): Promise<UppyOptions> {
  const { signal } = new AbortController();
  const answer = await backend(options, world).companion(options.destination ?? "default", signal);
  const base = answer.companion_url.replace(/\/$/, "");
  return {
    companionEndpoint: base,
    endpoint: base,
    shouldUseMultipart: true,
    expiresAt: answer.expires_at,
  };
}
