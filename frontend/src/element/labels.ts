// The texts of <oss-uploader> in English. Places in braces are filled with facts, as in the engine's sentences.

import { ERRORS, type ErrorName, type ErrorTuple, NOTICES, type NoticeName } from "../engine/sentences.ts";
import type { LATE_LABELS } from "./late-labels.ts";

export const LABELS = {
  drop: "Drop files here",
  promise: "Any size. Interrupted uploads can be resumed.",
  choose: "Choose files",
  choose_folder: "Choose a folder",
  record: "Record a video",
  uploads: "Uploads",
  progress_of: "Progress of {name}",

  queued: "Waiting to start",
  preparing: "Checking what is already uploaded…",
  uploading: "Uploading",
  paused: "Paused.",
  completing: "OSS is combining the parts…",
  completed: "Uploaded",
  callback: "The site was not notified.",
  failed: "Failed.",
  kept: "{text} Uploaded parts are kept.",
  aborting: "Aborting…",
  aborted: "Aborted",

  pause: "Pause",
  resume: "Resume",
  retry: "Retry",
  cancel: "Cancel",

  of: "{part} of {whole} sent",
  sending: "{size} being sent",
  left: "{time} left",

  announce_uploading: "Uploading {name}.",
  announce_completed: "{name} is uploaded.",
  announce_failed: "The upload of {name} failed.",
  announce_aborted: "The upload of {name} was aborted.",
  unreadable: "These files cannot be read: {names}",
  busy: "Wait until the upload is complete.",
  missing: "Choose a file.",
} as const;

/** The name of a text of the element. */
export type LabelName = keyof typeof LABELS | keyof typeof LATE_LABELS;

/** A whole language. */
export interface Language {
  /** The element's own texts. */
  readonly labels: Readonly<Record<LabelName, string>>;
  /** The engine's notices: why an upload is waiting. */
  readonly notices: Readonly<Record<NoticeName, string>>;
  /** The engine's errors: title, detail and hint. English texts of a diagnosis come with the error. */
  readonly errors: Readonly<Record<keyof typeof ERRORS, ErrorTuple> & Partial<Record<ErrorName, ErrorTuple>>>;
}

/** `addLateLabels` adds the others. */
export const ENGLISH: Language = { labels: LABELS as Language["labels"], notices: NOTICES, errors: ERRORS };
