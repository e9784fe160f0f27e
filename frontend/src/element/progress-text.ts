// The progress of an upload in one line of text. Values that are not known are left out.

import type { Progress } from "../engine/progress.ts";
import type { Localization } from "./localization.ts";

export interface ProgressTextOptions {
  /** Whether bytes are being sent; only then speed and remaining time mean something. */
  readonly moving: boolean;
  /** Whether the total is known. It is not for a stream. */
  readonly sized: boolean;
}

/**
 * “42% · 1.2 GB of 3.0 GB sent · 34 MB being sent · 12 MB/s · 3 min left”; of a stream without its size. What is being
 * sent is lost with the connection, and is not counted as sent.
 */
export function progressText(
  progress: Progress,
  localization: Localization,
  options: ProgressTextOptions,
): string {
  const { kept, loaded, total, speed, eta } = progress;
  const { formats } = localization;
  const texts = options.sized
    ? [
        formats.percent(total && kept / total),
        localization.label("of", { part: formats.bytes(kept), whole: formats.bytes(total) }),
      ]
    : [formats.bytes(kept)];
  if (options.moving && loaded > kept) {
    texts.push(localization.label("sending", { size: formats.bytes(loaded - kept) }));
  }
  if (options.moving && speed) texts.push(formats.rate(speed));
  if (options.moving && eta) texts.push(localization.label("left", { time: formats.duration(eta) }));
  return texts.join(" · ");
}

/** Its value is what OSS holds. While bytes are `moving`, the style sheet draws them as a second, lighter segment. */
export function showBar(
  bar: HTMLProgressElement,
  { kept, loaded, total, ratio }: Progress,
  moving: boolean,
): void {
  bar.value = total ? kept / total : ratio;
  bar.style.setProperty("--sent", `${moving && total ? (100 * loaded) / total : 0}%`);
}
