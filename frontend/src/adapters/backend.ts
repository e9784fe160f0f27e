// The backend's API for the adapters.

import { browserEnvironment } from "../browser/environment.ts";
import { Api } from "../engine/api.ts";
import type { HeadersOption } from "../engine/http.ts";
import type { Environment } from "../engine/ports.ts";

export interface AdapterOptions {
  /** The base URL of the backend's API; "/api/" by default. */
  readonly api?: string;
  /** The name of a destination of the backend's settings; "default" by default. */
  readonly destination?: string;
  /** Headers for each call to the backend, for example a token; or a function that gives them. */
  readonly headers?: HeadersOption;
}

export function backendOf(
  { api = "/api/", headers }: AdapterOptions,
  environment: Environment = browserEnvironment(),
): Api {
  return new Api(environment, api, headers);
}
