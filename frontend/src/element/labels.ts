// The texts of <oss-uploader> in English. Places in braces are filled with facts, as in the engine's sentences.

import { ERRORS, type ErrorName, type ErrorTuple, NOTICES, type NoticeName } from "../engine/sentences.ts";
import type { FolderLabelName } from "./folder-labels.ts";

export const LABELS = {
  drop: "Drop files here",
  promise: "Any size. Interrupted uploads can be resumed.",
  choose: "Choose files",
  choose_folder: "Choose a folder",
  record: "Record a video",
  uploads: "Uploads",
  progress_of: "Progress of {name}",
  progress_all: "Progress of all uploads",

  queued: "Waiting to start",
  preparing: "Checking what is already uploaded…",
  uploading: "Uploading",
  paused: "Paused. Uploaded parts are kept.",
  completing: "OSS is combining the parts…",
  completed: "Uploaded",
  callback: "The site was not notified.",
  failed: "Failed. Uploaded parts are kept.",
  aborting: "Aborting…",
  aborted: "Aborted",

  pause: "Pause",
  resume: "Resume",
  retry: "Retry",
  cancel: "Cancel",
  pause_all: "Pause all",
  resume_all: "Resume all",
  retry_all: "Retry failed",
  cancel_all: "Cancel all",
  clear: "Clear finished",

  of: "{part} of {whole}",
  left: "{time} left",
  counted: "{done} of {all} uploaded",
  counted_failed: "{done} of {all} uploaded, {failed} failed",

  unfinished: "Unfinished uploads",
  unfinished_progress: "{percent} of {size} uploaded",
  choose_again: "Choose the file again",
  discard: "Discard",

  request: "Request ID {id}",
  copy: "Copy",
  request_id: "request ID",
  copied: "Copied",

  announce_uploading: "Uploading {name}.",
  announce_completed: "{name} is uploaded.",
  announce_failed: "The upload of {name} failed.",
  announce_aborted: "The upload of {name} was aborted.",
  unreadable: "These files cannot be read: {names}",
  busy: "Wait until the upload is complete.",
  missing: "Choose a file.",

  recording: "Recording",
  record_stop: "Stop and keep",
  record_cancel: "Discard the recording",
  record_preview: "Camera preview",
  no_camera: "The camera cannot be used: {detail}",
} as const;

export type LabelName = keyof typeof LABELS | FolderLabelName;

/** A whole language. */
export interface Language {
  /** The element's own texts. */
  readonly labels: Readonly<Record<LabelName, string>>;
  /** The engine's notices: why an upload is waiting. */
  readonly notices: Readonly<Record<NoticeName, string>>;
  /** The engine's errors: title, detail and hint. English texts of a diagnosis come with the error. */
  readonly errors: Readonly<Record<keyof typeof ERRORS, ErrorTuple> & Partial<Record<ErrorName, ErrorTuple>>>;
}

/** Without the texts that are loaded when they are first needed: see `Localization.extend`. */
export const ENGLISH: Language = { labels: LABELS as Language["labels"], notices: NOTICES, errors: ERRORS };
