// How far, how fast and how long still, in a line.
// Its one rule: what is not known is not said.

import type { Progress } from "../engine/progress.ts";
import { bytes, duration, percent } from "./format.ts";
import type { Speech } from "./language.ts";

/** “42 % · 1.2 GB of 3.0 GB · 12 MB/s · 3 min left”; of a stream, which is not `sized`, only what is there. */
export function figures(
  { loaded, total, ratio, speed, eta }: Progress,
  moving: boolean,
  speech: Speech,
  sized = true,
): string {
  const parts = sized
    ? [percent(ratio), speech.label("of", { part: bytes(loaded), whole: bytes(total) })]
    : [bytes(loaded)];
  if (moving && speed) parts.push(speech.label("rate", { bytes: bytes(speed) }));
  if (moving && eta) parts.push(speech.label("left", { time: speech.label(...duration(eta)) }));
  return parts.join(" · ");
}
