// <oss-uploader> as a component: attributes and properties are props, its events are emitted without their prefix.

import { type Component, defineComponent, h, type PropType, shallowRef, toRaw } from "vue";
import type { OssUploaderElement, OssUploaderEventMap, Translation } from "../element/define.ts";
import "../element/define.ts";
import type { HeadersOption } from "../engine/http.ts";
import type { Integrity } from "../engine/integrity.ts";
import type { Signing } from "../engine/signer.ts";
import type { OssUploader } from "../engine/uploader.ts";
import { attributesOf, type OssUploaderAttributes, type OssUploaderProperties } from "../jsx/attributes.ts";

/** What a template reference to the component has. */
export interface UploaderInstance {
  /** The element; null before the component is mounted. */
  readonly element: OssUploaderElement | null;
}

/** The events of the element, by names without their prefix. */
export type UploaderEmits = {
  [Name in keyof OssUploaderEventMap as Name extends `oss-uploader-${infer Short}` ? Short : never]: (
    event: OssUploaderEventMap[Name],
  ) => void;
};

/** Attributes and properties of the element, in the case of Vue. */
export type UploaderProps = Omit<
  OssUploaderAttributes,
  "max-size" | "max-files" | "csrf-token" | "csrf-header"
> &
  OssUploaderProperties & {
    /** Bytes that a file may have. */
    maxSize?: number | undefined;
    /** Uploads that there may be. */
    maxFiles?: number | undefined;
    /** Django's CSRF token. */
    csrfToken?: string | undefined;
    /** The name of its header. */
    csrfHeader?: string | undefined;
  };

/** Listeners for its events, by names without their prefix. */
export type UploaderListeners = {
  [Name in keyof UploaderEmits as `on${Capitalize<Name>}`]?: UploaderEmits[Name];
};

/** How Vue's tools learn the props. */
export interface UploaderTypes {
  /** The props of the component. */
  $props: UploaderProps & UploaderListeners;
}

const NAMES = ["accept", "accepted", "completed", "failed", "aborted"] as const;

/** The README of the package describes attributes, properties and events. */
export const Uploader: Component<UploaderProps & UploaderListeners> &
  (new () => UploaderInstance & UploaderTypes) = defineComponent({
  name: "OssUploader",
  props: {
    api: String,
    destination: String,
    parallel: Number,
    signing: String as PropType<Signing>,
    integrity: String as PropType<Integrity>,
    single: Boolean,
    name: String,
    required: Boolean,
    value: String,
    camera: Boolean,
    accept: String,
    maxSize: Number,
    maxFiles: Number,
    credentials: String as PropType<RequestCredentials>,
    csrfToken: String,
    csrfHeader: String,
    lang: String,
    uploader: Object as PropType<OssUploader>,
    headers: [Object, Function] as PropType<HeadersOption>,
    translation: Object as PropType<Translation>,
  },
  emits: [...NAMES],
  setup(props, { emit, expose }) {
    const element = shallowRef<OssUploaderElement | null>(null);
    expose({ element });
    return () => {
      const { uploader, headers, translation, maxSize, maxFiles, csrfToken, csrfHeader, ...same } = props;
      const kebab = {
        "max-size": maxSize,
        "max-files": maxFiles,
        "csrf-token": csrfToken,
        "csrf-header": csrfHeader,
      };
      // `^` sets an attribute, `.` a property.
      const attributes = attributesOf({ ...same, ...kebab }).map(([name, value]) => [`^${name}`, value]);
      const properties = Object.entries({ uploader, headers, translation }).filter(([, value]) => value);
      const listeners = NAMES.map((name) => [`onOss-uploader-${name}`, (event: Event) => emit(name, event)]);
      return h("oss-uploader", {
        ref: element,
        ...Object.fromEntries([
          ...attributes,
          ...properties.map(([name, value]) => [`.${name}`, toRaw(value)]),
          ...listeners,
        ]),
      });
    };
  },
}) as never;
