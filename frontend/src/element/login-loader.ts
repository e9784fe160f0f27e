// Loads the offer to log in with the first call that is refused for want of a login.

import { importLate } from "../engine/late.ts";
import type { Upload } from "../engine/upload.ts";
import type { OssUploader } from "../engine/uploader.ts";
import type { Localization } from "./localization.ts";

/** <oss-uploader>, as far as the login concerns it. */
export interface LoginHost {
  /** The URL of the login page; "" where the page has not said it. */
  readonly login: string;
  readonly uploader: Pick<OssUploader, "allowance">;
}

/** An upload, or a folder in its place. */
export type Row = Pick<Upload, "error" | "resume" | "abort">;

export interface LoginPorts {
  readonly localization: Localization;
  readonly host: LoginHost;
  /** They continue then. */
  readonly rows: Iterable<Row>;
  /** The user is logged in again. */
  onlogin(): void;
}

/** The offer is shown before `place`, until the signal. */
export async function offerLogin(place: Element, ports: LoginPorts, signal: AbortSignal): Promise<void> {
  const show = await importLate(() => import("./login.ts"), "showLogin").catch(() => null);
  show?.(place, ports, signal);
}
