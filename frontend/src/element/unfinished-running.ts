// An unfinished upload that another tab of this browser continues: shown as such, without buttons.

import type { Unfinished } from "../engine/uploader.ts";
import type { UnfinishedPorts } from "./unfinished.ts";

/** Says so in `message`, and loads the list again when the other tab has stopped. */
export function showRunning(
  entry: Unfinished,
  row: HTMLElement,
  message: HTMLElement,
  ports: UnfinishedPorts,
): void {
  message.textContent = ports.localization.label("running");
  row.dataset.state = "uploading";
  void ports
    .uploader()
    .whenIdle(entry, ports.signal())
    .then(
      () => row.isConnected && ports.refresh(),
      () => {}, // The element has left the page.
    );
}
