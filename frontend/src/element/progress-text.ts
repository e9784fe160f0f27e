// The progress of an upload in one line of text. Values that are not known are left out.

import type { Progress } from "../engine/progress.ts";
import type { Localization } from "./localization.ts";

export interface ProgressTextOptions {
  /** Whether bytes are being sent; only then speed and remaining time mean something. */
  readonly moving: boolean;
  /** Whether the total is known. It is not for a stream. */
  readonly sized: boolean;
}

/** “42% · 1.2 GB of 3.0 GB · 12 MB/s · 3 min left”; of a stream only the bytes sent so far and the speed. */
export function progressText(
  progress: Progress,
  localization: Localization,
  options: ProgressTextOptions,
): string {
  const { loaded, total, ratio, speed, eta } = progress;
  const { formats } = localization;
  const texts = options.sized
    ? [
        formats.percent(ratio),
        localization.label("of", { part: formats.bytes(loaded), whole: formats.bytes(total) }),
      ]
    : [formats.bytes(loaded)];
  if (options.moving && speed) texts.push(formats.rate(speed));
  if (options.moving && eta) texts.push(localization.label("left", { time: formats.duration(eta) }));
  return texts.join(" · ");
}
