// What the element asks of an upload's state and error.

import { isActive, type State } from "../engine/states.ts";

/** Whether repeating the upload may help: not where the file, the user's permissions or the page are refused. */
export function canRetry({ error }: Repeatable): boolean {
  return error !== null && !/^(inv|rej|too|forb|perm|not_[os]|mixed|csp|stream)/.test(error.code);
}

interface Repeatable {
  readonly error: { readonly code: string } | null;
}

export function isBusy(state: State): boolean {
  return state === "queued" || isActive(state);
}
