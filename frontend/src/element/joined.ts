// Joins short texts into one line.

/** “Paused. 12 of 255 files uploaded · 120 were uploaded before”: after a sentence, no dot. Empty texts are left out. */
export function joined(...texts: readonly string[]): string {
  const line = texts.filter(Boolean).join(" · ");
  return line.replace(/([.…]) · /g, "$1 ").replaceAll("。 · ", "。");
}
