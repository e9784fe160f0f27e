// The texts of the engine for users, in English; the code that is loaded later has more errors. A translation has all (locales/).
// `{name}` is a placeholder. Code refers to a text by its name and gives the values.

import type { DiagnosisName } from "./diagnosis-texts.ts";
import type { RestrictionName } from "./restrictions.ts";

/** The values of a text's placeholders. */
export type Facts = Readonly<Record<string, string | number>>;

/** Why an upload waits. `wait` is in seconds. */
export const NOTICES = {
  offline: "Waiting for the network.",
  another_tab: "Another tab is uploading this. This tab continues if that one stops.",
  checking: "Checking the uploaded parts.",
  damaged: "Parts damaged in transit: {count}. Uploading them again.",
  assembling: "OSS is combining the parts. Checking again in {wait} s.",
  copying: "OSS is copying the file. Checking again in {wait} s.",
  inspecting: "The file is being checked. Checking again in {wait} s.",
  part_lost: "A part could not be uploaded. Trying again in {wait} s.",
  storage_busy: "OSS is busy ({code}). Trying again in {wait} s.",
  storage_down: "OSS cannot be reached. Trying again in {wait} s.",
  storage_told: "{text} Trying again in {wait} s.",
  storage_probe: "Connecting to OSS again.",
  server_down: "The server is not available. Trying again in {wait} s.",
  server_probe: "Connecting to the server again.",
} as const;

/** For each error: title, detail, and a hint at what to do. */
export const ERRORS = {
  not_supported: ["Invalid configuration.", "{detail}", ""],
  server_unreachable: ["Network error.", "The server cannot be reached.", ""],
  code_unreachable: [
    "Network error.",
    "A file of this page could not be loaded.",
    "Try again. If that does not help, reload the page.",
  ],
  answer_broken: ["Network error.", "The server's response is incomplete or not valid JSON.", ""],
  storage_unreachable: ["Network error.", "OSS cannot be reached.", ""],
  unexplained: ["The server refused the request.", "The server gave no reason (status {status}).", ""],
  login: ["You are not logged in.", "{detail}", "Log in again, for example in another tab."],
  file_changed: [
    "The file has changed.",
    "“{name}” was changed while it was uploaded.",
    "Upload it again: all parts are sent anew.",
  ],
  file_unreadable: [
    "The file has changed.",
    "“{name}” was changed, moved or deleted on this device after it was chosen.",
    "Cancel this upload and choose the file again.",
  ],
  aborted: ["The upload was aborted.", "", ""],
  aborted_elsewhere: [
    "The upload was aborted.",
    "It was aborted in another tab, on another device or by an administrator, or it expired.",
    "",
  ],
  unexpected: ["An unexpected error occurred.", "{detail}", ""],
} as const;

/** The name of a text that says why an upload waits. */
export type NoticeName = keyof typeof NOTICES;
/** A text of this module, or one that is loaded with the code that needs it. */
export type ErrorName =
  | keyof typeof ERRORS
  | DiagnosisName
  | RestrictionName
  | "damaged"
  | "file_not_allowed"
  | "other_file"
  | "storage_refused"
  | "stream_broken";
/** Title, detail, and a hint at what to do. */
export type ErrorTuple = readonly [string, string, string];

/** Fills the placeholders of a text. */
export function fill(sentence: string, facts: Facts): string {
  return sentence.replace(/\{(\w+)\}/g, (placeholder, name: string) => String(facts[name] ?? placeholder));
}
