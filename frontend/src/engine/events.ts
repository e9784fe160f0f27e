// The events of an upload: plain DOM events that carry their data as properties.

import type { UploadError } from "./errors.ts";
import type { Progress } from "./progress.ts";
import { type Facts, fill, NOTICES, type NoticeName } from "./sentences.ts";
import type { State } from "./states.ts";

/** `progress`: bytes were sent. Dispatched at most ten times a second. */
export class UploadProgressEvent extends Event implements Progress {
  declare readonly kept: number;
  declare readonly loaded: number;
  declare readonly total: number;
  declare readonly ratio: number;
  declare readonly speed: number | null;
  declare readonly eta: number | null;

  constructor(progress: Progress) {
    super("progress");
    Object.assign(this, progress);
  }
}

/** `statechange`: `state` is the new state; `error` is set when it is "failed". */
export class StateChangeEvent extends Event {
  constructor(
    readonly state: State,
    readonly previous: State,
    readonly error: UploadError | null,
  ) {
    super("statechange");
  }
}

/** A text of sentences.ts by name, and the values that fill its placeholders. */
export interface Notice {
  readonly name: NoticeName;
  readonly facts: Facts;
}

/** `notice`: why the upload waits. `notice` is null, and `message` "", when it no longer does. */
export class NoticeEvent extends Event {
  constructor(readonly notice: Notice | null) {
    super("notice");
  }

  /** The notice in English. */
  get message(): string {
    return this.notice ? fill(NOTICES[this.notice.name], this.notice.facts) : "";
  }
}

export interface UploadEventMap {
  progress: UploadProgressEvent;
  statechange: StateChangeEvent;
  notice: NoticeEvent;
}

/** An EventTarget with the types of an upload's events. */
export interface UploadEventTarget extends EventTarget {
  addEventListener<K extends keyof UploadEventMap>(
    type: K,
    listener: (event: UploadEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

export const UploadEventTarget: { new (): UploadEventTarget } = EventTarget;
