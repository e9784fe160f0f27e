// The attributes, properties and events of <oss-uploader> as the templates of frameworks name them.

import type { OssUploaderEventMap, Translation } from "../element/element.ts";
import type { HeadersOption } from "../engine/http.ts";
import type { Integrity } from "../engine/integrity.ts";
import type { Signing } from "../engine/signer.ts";
import type { OssUploader } from "../engine/uploader.ts";

/** The README of the package describes each of them. */
export interface OssUploaderAttributes {
  /** The URL of the backend's API; `/api/` by default. */
  api?: string | undefined;
  /** The name of a destination; `default` by default. */
  destination?: string | undefined;
  /** Parts of one file that are sent at once, 1 to 6; 4 by default. */
  parallel?: number | undefined;
  /** Who signs each part. */
  signing?: Signing | undefined;
  /** How parts and object are checked. */
  integrity?: Integrity | undefined;
  /** Whether there is at most one upload. */
  single?: boolean | undefined;
  /** The name under which a form submits the ids of the completed uploads. */
  name?: string | undefined;
  /** Whether an upload must be completed before the form is sent. */
  required?: boolean | undefined;
  /** Ids of earlier uploads, separated by spaces. */
  value?: string | undefined;
  /** Whether there is a button that records a video. */
  camera?: boolean | undefined;
  /** Types of files, as in `<input type="file" accept>`. */
  accept?: string | undefined;
  /** Bytes that a file may have. */
  "max-size"?: number | undefined;
  /** Uploads that there may be. */
  "max-files"?: number | undefined;
  /** Whether cookies are sent to a backend on another origin. */
  credentials?: RequestCredentials | undefined;
  /** Django's CSRF token. */
  "csrf-token"?: string | undefined;
  /** The name of its header. */
  "csrf-header"?: string | undefined;
  /** The language of the texts. */
  lang?: string | undefined;
}

/** What only a property can hold. */
export interface OssUploaderProperties {
  /** The engine, for options without an attribute. */
  uploader?: OssUploader | undefined;
  /** Headers for each call to the backend, or a function that gives them. */
  headers?: HeadersOption | undefined;
  /** Texts of your own, all or some. */
  translation?: Translation | undefined;
}

/** A listener for each event, by the event's name after the prefix: `on`, `on:`, or another. */
export type OssUploaderListeners<Prefix extends string> = {
  [Name in keyof OssUploaderEventMap as `${Prefix}${Name}`]?:
    | ((event: OssUploaderEventMap[Name]) => void)
    | undefined;
};

const ATTRIBUTES: readonly (keyof OssUploaderAttributes)[] = [
  ...([
    "api",
    "destination",
    "parallel",
    "signing",
    "integrity",
    "single",
    "name",
    "required",
    "value",
  ] as const),
  ...([
    "camera",
    "accept",
    "max-size",
    "max-files",
    "credentials",
    "csrf-token",
    "csrf-header",
    "lang",
  ] as const),
];

/** Each attribute of the element that `given` names, as text; null where the element shall not have it. */
export function attributesOf(given: OssUploaderAttributes): [keyof OssUploaderAttributes, string | null][] {
  return ATTRIBUTES.map((name) => {
    const value = given[name];
    if (typeof value === "boolean") return [name, value ? "" : null];
    return [name, value === undefined ? null : String(value)];
  });
}
