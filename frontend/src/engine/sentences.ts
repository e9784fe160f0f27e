// Every sentence that the engine says to people, in English; another language has the same two tables.
// Its one rule: sentences with places to fill, no code; whoever throws or tells names the sentence and gives the facts.

/** What fills the places: `{name}` by `name`. */
export type Facts = Readonly<Record<string, string | number>>;

/** What is going on while nothing seems to. `wait` is in seconds. */
export const NOTICES = {
  offline: "Waiting for the network.",
  another_tab: "Another tab is uploading this file; this one takes over if that one stops.",
  checking: "Checking what has arrived.",
  damaged: "{count} of the parts arrived damaged; sending again.",
  assembling: "The storage is putting the parts together; asking again in {wait} s.",
  part_lost: "A part did not get through; trying again in {wait} s.",
  storage_busy: "The storage is busy ({code}); trying again in {wait} s.",
  storage_down: "The storage cannot be reached; trying again in {wait} s.",
  storage_probe: "Trying to reach the storage again.",
  server_down: "The server does not answer as it should; trying again in {wait} s.",
} as const;

/** What happened, in what way, and what to do now. */
export const ERRORS = {
  not_supported: ["This cannot be set up so.", "{detail}", ""],
  server_unreachable: ["No answer.", "The server cannot be reached.", ""],
  code_unreachable: [
    "No answer.",
    "A piece of this page cannot be loaded.",
    "Try again; if that does not help, load the page again: what was sent is kept.",
  ],
  answer_broken: ["No answer.", "The server's answer broke off or is no JSON.", ""],
  storage_unreachable: ["No answer.", "The storage cannot be reached.", ""],
  unexplained: ["The server refused.", "It answered {status} without saying why.", ""],
  login: [
    "You are not logged in.",
    "{detail}",
    "Log in again (another tab will do), then try again. What was sent is kept.",
  ],
  storage_refused: [
    "The storage refused a part.",
    "{detail}",
    "What was sent is kept; try again, and give an administrator the request id if it fails again.",
  ],
  damaged: [
    "Parts arrived damaged, again and again.",
    "What the storage holds is not what was sent (parts: {parts}).",
    "Something between you and the storage changes the bytes, or the file changes while it is read. Try another line.",
  ],
  cors: [
    "The storage does not allow this page.",
    "The bucket's CORS rules do not allow this page ({origin}) to upload.",
    "An administrator can mend it with: manage.py configure_bucket --origin {origin}",
  ],
  file_changed: [
    "The file changed.",
    "“{name}” cannot be read as it was when it was chosen: it was changed, moved or deleted on this device.",
    "Cancel this upload and choose the file again.",
  ],
  file_not_allowed: [
    "The file may not be read.",
    "The browser was not allowed to read “{name}” again.",
    "Allow it when the browser asks, or choose the file yourself.",
  ],
  other_file: [
    "This is another file.",
    "“{name}” is not the file that was begun as “{expected}”: its name, size or content differs.",
    "Choose the same file again, or discard the unfinished upload.",
  ],
  stream_broken: [
    "The recording broke off.",
    "{detail}",
    "Start it anew; what was sent until then is given up after a while.",
  ],
  aborted: ["The upload was discarded.", "It was cancelled.", ""],
  aborted_elsewhere: ["The upload was discarded.", "It was discarded elsewhere, or has expired.", ""],
  unexpected: ["Something unexpected happened.", "{detail}", ""],
} as const;

export type NoticeName = keyof typeof NOTICES;
export type ErrorName = keyof typeof ERRORS;

export function fill(sentence: string, facts: Facts): string {
  return sentence.replace(/\{(\w+)\}/g, (place, name: string) => String(facts[name] ?? place));
}
