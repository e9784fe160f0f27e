// What <oss-uploader> writes, in English. Its one rule: sentences with places to fill, as in `sentences.ts`; another
// language is a whole `Language`, and a host's own may leave out what it does not know.

import { ERRORS, type ErrorName, NOTICES, type NoticeName } from "../engine/sentences.ts";

export const LABELS = {
  drop: "Drop files here",
  promise: "Any size. Interrupted uploads go on where they stopped.",
  choose: "Choose files",
  record: "Record a video",
  uploads: "Uploads",
  progress_of: "Progress of {name}",
  progress_all: "Progress of all uploads",

  queued: "Waiting for its turn",
  preparing: "Looking what is already there…",
  uploading: "Uploading",
  paused: "Paused. What was sent is kept.",
  completing: "The storage is putting the parts together…",
  completed: "Uploaded",
  failed: "Stopped. What was sent is kept.",
  aborting: "Discarding…",
  aborted: "Discarded",

  pause: "Pause",
  resume: "Resume",
  retry: "Try again",
  cancel: "Cancel",
  pause_all: "Pause all",
  resume_all: "Resume all",
  retry_all: "Try failed again",
  cancel_all: "Cancel all",
  clear: "Clear finished",

  of: "{part} of {whole}",
  rate: "{bytes}/s",
  left: "{time} left",
  seconds: "{n} s",
  minutes: "{n} min",
  hours: "{h} h {m} min",
  days: "{n} days",
  counted: "{done} of {all} uploaded",
  counted_failed: "{done} of {all} uploaded, {failed} stopped with an error",

  unfinished: "Unfinished uploads",
  there: "{percent} of {size} there",
  take_up: "Continue",
  again: "Choose the file again",
  discard: "Discard",

  request: "request {id}",
  copy: "Copy",
  request_id: "request id",
  copied: "Copied",

  says_uploading: "Uploading {name}.",
  says_completed: "{name} is uploaded.",
  says_failed: "Uploading {name} stopped with an error.",
  says_aborted: "{name} is discarded.",
  says_unreadable: "{names} cannot be read.",
  busy: "The upload is still going on.",
  missing: "Choose a file.",

  recording: "Recording",
  record_stop: "Stop and keep",
  record_cancel: "Discard the recording",
  record_preview: "What the camera sees",
  no_camera: "The camera cannot be used: {detail}",
} as const;

export type LabelName = keyof typeof LABELS;

export interface Language {
  readonly labels: Readonly<Record<LabelName, string>>;
  readonly notices: Readonly<Record<NoticeName, string>>;
  /** Title, detail, hint. */
  readonly errors: Readonly<Record<ErrorName, readonly [string, string, string]>>;
}

export const ENGLISH: Language = { labels: LABELS, notices: NOTICES, errors: ERRORS };
