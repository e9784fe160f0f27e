// The backend's API for the adapters.

import { browserEnvironment } from "../browser/environment.ts";
import { Api } from "../engine/api.ts";
import type { BackendOptions } from "../engine/http.ts";
import type { Environment } from "../engine/ports.ts";

export type { BackendOptions, CsrfOption, HeadersOption, HeaderValues } from "../engine/http.ts";

export interface AdapterOptions extends BackendOptions {
  /** The name of a destination of the backend's settings; "default" by default. */
  readonly destination?: string;
}

export function backendOf(options: AdapterOptions, environment: Environment = browserEnvironment()): Api {
  return new Api(environment, options);
}
