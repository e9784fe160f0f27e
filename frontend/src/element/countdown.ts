// Counts down the seconds until an upload tries again, and offers not to wait for them. Loaded with the first wait.

import type { Notice } from "../engine/events.ts";
import { button, reportLostFocus, setLabel, setText, withoutDirections } from "./dom.ts";
import { addLateLabels } from "./late-labels.ts";
import type { Localization } from "./localization.ts";
import { adoptSheet } from "./styles.ts";

/** Seconds. A button for a shorter wait would be gone before anybody pressed it. */
const WORTH_A_BUTTON = 3;

const CSS = /* css */ `
.line { align-items: baseline; }
.line .notice { font-variant-numeric: tabular-nums; }
.line button { margin-inline-end: auto; min-block-size: 24px; padding: .125rem .625rem; font-size: .75rem; }
`;

/** An upload, or a folder: it dispatches `notice`, or else `onchange` follows what it waits for. */
interface Waiter extends EventTarget {
  readonly notice: Notice | null;
  readonly filename: string;
  tryNow(): void;
}

const running = new WeakSet<Element>();

/**
 * Shows the notice in `message` each second, until the wait is over. Does nothing where it does so already. `onchange` is
 * called each second and at the end: what is being sent may have changed without an event.
 */
export function countDown(
  upload: Waiter,
  message: HTMLElement,
  localization: Localization,
  onchange: () => void,
): void {
  if (running.has(message) || !message.isConnected) return;
  addLateLabels();
  adoptSheet(message, CSS);
  running.add(message);
  const tryNow = button("try-now", () => upload.tryNow());
  const end = () => {
    running.delete(message);
    clearInterval(timer);
    upload.removeEventListener("notice", update);
    const hadFocus = tryNow.matches(":focus");
    tryNow.remove();
    if (hadFocus) reportLostFocus(message);
    onchange();
  };
  const update = () => {
    const { notice, filename } = upload;
    const wait = Number(notice?.facts.wait ?? 0);
    if (!notice || !wait || !message.isConnected) return end();
    setText(message, localization.notice(notice));
    setLabel(tryNow, localization.label("try_now"), withoutDirections(filename));
    if (wait >= WORTH_A_BUTTON && !tryNow.isConnected) message.after(tryNow);
    onchange();
  };
  const timer = setInterval(update, 1000);
  upload.addEventListener("notice", update);
  update();
}
