// The attributes, properties and events of <oss-uploader> as the templates of frameworks name them.

import type { OssUploaderEventMap, Translation } from "../element/element.ts";
import type { HeadersOption } from "../engine/http.ts";
import type { Integrity } from "../engine/integrity.ts";
import type { Signing } from "../engine/signer.ts";
import type { OssUploader } from "../engine/uploader.ts";

/** The README of the package describes each of them. */
export interface OssUploaderAttributes {
  api?: string | undefined;
  destination?: string | undefined;
  parallel?: number | undefined;
  signing?: Signing | undefined;
  integrity?: Integrity | undefined;
  single?: boolean | undefined;
  name?: string | undefined;
  required?: boolean | undefined;
  value?: string | undefined;
  camera?: boolean | undefined;
  accept?: string | undefined;
  "max-size"?: number | undefined;
  "max-files"?: number | undefined;
  credentials?: RequestCredentials | undefined;
  "csrf-token"?: string | undefined;
  "csrf-header"?: string | undefined;
  lang?: string | undefined;
}

/** What only a property can hold. */
export interface OssUploaderProperties {
  uploader?: OssUploader | undefined;
  headers?: HeadersOption | undefined;
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
