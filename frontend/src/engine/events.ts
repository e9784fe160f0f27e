// The events of an upload: plain DOM events that carry their data as properties.

import type { UploadError } from "./errors.ts";
import type { DonePart } from "./parts.ts";
import type { JournalEntry } from "./ports.ts";
import type { Progress } from "./progress.ts";
import type { Arrival } from "./sender.ts";
import { type Facts, fill, NOTICES, type NoticeName } from "./sentences.ts";
import type { State } from "./states.ts";
import type { Upload } from "./upload.ts";

/** `upload`: the upload that dispatches the event. */
export class UploadEvent extends Event {
  /** The upload that dispatches the event. */
  declare readonly upload: Upload;
}

/** `progress`: bytes were sent. Dispatched at most ten times a second. */
export class UploadProgressEvent extends UploadEvent implements Progress {
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
export class StateChangeEvent extends UploadEvent {
  constructor(
    /** The new state. */
    readonly state: State,
    /** The state before. */
    readonly previous: State,
    /** Why the upload failed; null in other states. */
    readonly error: UploadError | null,
  ) {
    super("statechange");
  }
}

/** A text of sentences.ts by name, and the values that fill its placeholders. */
export interface Notice {
  /** The name of the text. */
  readonly name: NoticeName;
  /** The values of its placeholders. */
  readonly facts: Facts;
}

/** `notice`: why the upload waits. `notice` is null, and `message` "", when it no longer does. */
export class NoticeEvent extends UploadEvent {
  constructor(
    /** Why the upload waits; null when it no longer does. */
    readonly notice: Notice | null,
  ) {
    super("notice");
  }

  /** The notice in English. */
  get message(): string {
    return this.notice ? fill(NOTICES[this.notice.name], this.notice.facts) : "";
  }
}

/** What is known of an upload, as JSON: `OssUploader.resume` takes it in another page of the same user. */
export interface UploadCheckpoint extends Omit<JournalEntry, "handle"> {
  /** The bucket of the object. */
  readonly bucket: string;
  /** The object's key in the bucket. */
  readonly key: string;
  /** OSS's id of the multipart upload; null for an upload in one request. */
  readonly uploadId: string | null;
  /** Bytes of every part but the last. */
  readonly partSize: number;
  /** The parts that OSS has taken. */
  readonly doneParts: readonly DonePart[];
}

/** `part`: OSS has taken a part. */
export class PartEvent extends UploadEvent {
  /** The number of the part, from 1 on. */
  declare readonly number: number;
  /** Bytes. */
  declare readonly size: number;
  /** The ETag of OSS's response; undefined where CORS hides it. */
  declare readonly etag?: string;
  /** The part's CRC64 in OSS's response, an unsigned decimal; undefined where CORS hides it. */
  declare readonly crc64?: string;
  /** x-oss-request-id; null where CORS hides it. */
  declare readonly requestId: string | null;
  /** Requests that the part took. */
  declare readonly tries: number;

  constructor({ part, ...more }: Arrival) {
    super("part");
    Object.assign(this, part, more);
  }
}

/** `checkpoint`: there is more to resume from, after each part. `checkpoint` is null for a stream. */
export class CheckpointEvent extends UploadEvent {
  constructor() {
    super("checkpoint");
  }

  /** What there is to resume from; null for a stream. */
  get checkpoint(): UploadCheckpoint | null {
    return this.upload.checkpoint();
  }
}

/** The events of an upload. */
export interface UploadEventMap {
  /** OSS has taken a part. */
  part: PartEvent;
  /** There is more to resume from. */
  checkpoint: CheckpointEvent;
  /** Bytes were sent. */
  progress: UploadProgressEvent;
  /** The upload has another state. */
  statechange: StateChangeEvent;
  /** The upload waits, or no longer waits. */
  notice: NoticeEvent;
}

/** The events of all uploads of an uploader, and its own. */
export interface UploaderEventMap extends UploadEventMap {
  /** There is a new upload. */
  accepted: UploadEvent;
  /** A waiting upload was moved in the queue. */
  reordered: UploadEvent;
}

/** An EventTarget with the types of its events. */
export interface TypedEventTarget<Events> extends EventTarget {
  addEventListener<K extends keyof Events>(
    type: K,
    listener: (event: Events[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

/** An EventTarget with the events of an upload. */
export interface UploadEventTarget extends TypedEventTarget<UploadEventMap> {}
/** Its class. */
export const UploadEventTarget: { new (): UploadEventTarget } = EventTarget;
/** An EventTarget with the events of an uploader. */
export interface UploaderEventTarget extends TypedEventTarget<UploaderEventMap> {}
/** Its class. */
export const UploaderEventTarget: { new (): UploaderEventTarget } = EventTarget;
