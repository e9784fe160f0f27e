// What runs beside the parts of a file that is more than a moment's work: the look at the line, and checkpoints.
// Loaded for such files.

import { SlowLine } from "./slow-line.ts";
import type { Transfer } from "./transfer.ts";

/** Milliseconds until the first checkpoint that no other call carries, and the longest gap; each gap doubles. */
const FIRST_CHECKPOINT = 15_000;
const MAX_CHECKPOINT_GAP = 120_000;
/** With STS no other call carries checkpoints, and they serve only the list of uploads. */
const FIRST_CHECKPOINT_STS = 60_000;

/** Until `ended` aborts. Called whenever sending begins, also after a pause. */
export function supervise(transfer: Transfer, ended: AbortSignal): void {
  const { pace } = transfer;
  pace.slowLine ??= new SlowLine(transfer);
  pace.slowLine.start(ended);
  sendCheckpoints(transfer, ended).catch(() => {}); // `ended` ends it.
}

/** On a slow connection few sign calls carry checkpoints, so calls of their own keep the record fresh. */
async function sendCheckpoints(transfer: Transfer, ended: AbortSignal): Promise<never> {
  const { api, signing } = transfer.ports;
  const { clock } = api.environment;
  let gap = signing === "sts" ? FIRST_CHECKPOINT_STS : FIRST_CHECKPOINT;
  for (;;) {
    await clock.sleep(Math.max(1000, transfer.reportedAt + gap - clock.now()), ended);
    if (clock.now() - transfer.reportedAt < gap || transfer.ledger.unreported().length === 0) continue;
    await transfer.checkpoint(ended).catch(() => {}); // The next call carries it.
    gap = Math.min(MAX_CHECKPOINT_GAP, gap * 2);
  }
}
