// What an upload tells those who listen.
// Its one rule: plain DOM events; what they say stands on the event itself.

import type { UploadError } from "./errors.ts";
import type { Progress } from "./progress.ts";
import { type Facts, fill, NOTICES, type NoticeName } from "./sentences.ts";
import type { State } from "./states.ts";

/** Bytes moved. */
export class UploadProgressEvent extends Event implements Progress {
  readonly loaded: number;
  readonly total: number;
  readonly ratio: number;
  readonly speed: number | null;
  readonly eta: number | null;

  constructor(progress: Progress) {
    super("progress");
    this.loaded = progress.loaded;
    this.total = progress.total;
    this.ratio = progress.ratio;
    this.speed = progress.speed;
    this.eta = progress.eta;
  }
}

export class StateChangeEvent extends Event {
  constructor(
    readonly state: State,
    readonly previous: State,
    readonly error: UploadError | null,
  ) {
    super("statechange");
  }
}

/** One of the engine's sentences, and what fills it. */
export interface Notice {
  readonly name: NoticeName;
  readonly facts: Facts;
}

/** What is going on while nothing seems to; null, and an empty message, when all is well again. */
export class NoticeEvent extends Event {
  constructor(readonly notice: Notice | null) {
    super("notice");
  }

  get message(): string {
    return this.notice ? fill(NOTICES[this.notice.name], this.notice.facts) : "";
  }
}

export interface UploadEventMap {
  progress: UploadProgressEvent;
  statechange: StateChangeEvent;
  notice: NoticeEvent;
}

/** An EventTarget that knows the types of its events. */
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
