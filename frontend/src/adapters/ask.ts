// How the adapters ask the backend.
// Its one rule: what the backend refuses is an error in its own words.

import { browserWorld } from "../browser/browser.ts";
import { Api, type HeadersOption } from "../engine/api.ts";
import type { World } from "../engine/ports.ts";

export interface AdapterOptions {
  /** Where the backend's API lives. */
  readonly api?: string;
  /** A place that the backend names in its settings. */
  readonly destination?: string;
  /** Sent with every call to the backend, a token for example. */
  readonly headers?: HeadersOption;
}

export function backend({ api = "/api/", headers }: AdapterOptions, world: World = browserWorld()): Api {
  return new Api(world, api.endsWith("/") ? api : `${api}/`, headers);
}
