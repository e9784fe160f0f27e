// <oss-uploader> as a component: attributes, properties and listeners are props, in React 18 as in 19.

import {
  createElement,
  type ForwardRefExoticComponent,
  forwardRef,
  type RefAttributes,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
} from "react";
import type { OssUploaderElement, OssUploaderEventMap } from "../element/define.ts";
import "../element/define.ts";
import type { HeadersOption } from "../engine/http.ts";
import { attributesOf, type OssUploaderAttributes, type OssUploaderProperties } from "../jsx/attributes.ts";

/** The README of the package describes attributes, properties and events. */
export interface UploaderProps extends OssUploaderAttributes, OssUploaderProperties {
  /** The `id` of the element. */
  id?: string;
  /** The classes of the element. */
  className?: string;
  /** Before files are uploaded. */
  onAccept?: (event: OssUploaderEventMap["oss-uploader-accept"]) => void;
  /** An upload was added. */
  onAccepted?: (event: OssUploaderEventMap["oss-uploader-accepted"]) => void;
  /** An upload is completed. */
  onCompleted?: (event: OssUploaderEventMap["oss-uploader-completed"]) => void;
  /** An upload has failed. */
  onFailed?: (event: OssUploaderEventMap["oss-uploader-failed"]) => void;
  /** An upload was aborted. */
  onAborted?: (event: OssUploaderEventMap["oss-uploader-aborted"]) => void;
}

const LISTENERS = {
  "oss-uploader-accept": "onAccept",
  "oss-uploader-accepted": "onAccepted",
  "oss-uploader-completed": "onCompleted",
  "oss-uploader-failed": "onFailed",
  "oss-uploader-aborted": "onAborted",
} as const satisfies Record<keyof OssUploaderEventMap, keyof UploaderProps>;

/** React 18 warns of layout effects on a server. */
const useBeforePaint = typeof document === "undefined" ? useEffect : useLayoutEffect;

/** The element with its props. A ref gives the element. */
export const Uploader: ForwardRefExoticComponent<UploaderProps & RefAttributes<OssUploaderElement>> =
  forwardRef(function Uploader(props: UploaderProps, ref) {
    const { id, className, uploader, headers, translation } = props;
    const own = useRef<OssUploaderElement>(null);
    const latest = useRef(props);
    latest.current = props;
    useImperativeHandle(ref, () => own.current as OssUploaderElement);
    useBeforePaint(() => {
      for (const [name, value] of attributesOf(props)) setAttribute(own.current, name, value);
    });
    useBeforePaint(() => listen(own.current as OssUploaderElement, latest), []);
    // A new function in each render would make a new engine in each render.
    const given = typeof headers === "function" ? "function" : headers;
    useBeforePaint(() => {
      if (given) setHeaders(own.current, given === "function" ? renewed(latest) : given);
    }, [given]);
    useBeforePaint(() => {
      if (uploader && own.current) own.current.uploader = uploader;
    }, [uploader]);
    useBeforePaint(() => {
      if (translation && own.current) own.current.translation = translation;
    }, [translation]);
    return createElement("oss-uploader", { ref: own, id, className });
  });

type Latest = { readonly current: UploaderProps };

/** Not set where it stays the same: setting it again may make a new engine. */
function setAttribute(element: OssUploaderElement | null, name: string, value: string | null): void {
  if (!element || element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

function setHeaders(element: OssUploaderElement | null, headers: HeadersOption): void {
  if (element) element.headers = headers;
}

/** The function that the newest render has given. */
function renewed(latest: Latest): HeadersOption {
  return (refused) => {
    const { headers = {} } = latest.current;
    return typeof headers === "function" ? headers(refused) : headers;
  };
}

/** The listeners that the newest render has given. Returns a function that ends this. */
function listen(element: OssUploaderElement, latest: Latest): () => void {
  const ended = new AbortController();
  for (const [event, prop] of Object.entries(LISTENERS)) {
    const call = (event: Event) => (latest.current[prop] as ((event: Event) => void) | undefined)?.(event);
    element.addEventListener(event, call, { signal: ended.signal });
  }
  return () => ended.abort();
}
