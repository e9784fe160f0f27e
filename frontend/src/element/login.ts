// Offers the login when it has expired, and continues the uploads when the user is logged in again.
// Loaded with the first call that is refused for want of a login.

import { ApiError, LoginError } from "../engine/errors.ts";
import { button, h, setLabel } from "./dom.ts";
import { addLateLabels } from "./late-labels.ts";
import type { LoginPorts, Row } from "./login-loader.ts";
import { adoptSheet } from "./styles.ts";

/** Milliseconds between two questions to the backend. */
const ASK_EVERY = 5_000;

const CSS = /* css */ `
.login {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  justify-content: space-between;
  gap: .5rem 1rem;
  margin-block-start: 1.25rem;
  padding: .875rem 1.125rem;
  font-size: .875rem;
  color: var(--oss-text);
  background: var(--oss-surface);
  border: 1px solid var(--oss-wait);
  border-radius: var(--oss-radius);
}
`;

/** When rows and lists were continued although the login was not missing: something else may refuse them again. */
const continued = new WeakMap<object, number>();
/** Milliseconds. */
const AGAIN_AFTER = 60_000;

/** Shows the offer before `place`, once however many calls are refused, until the login or the signal. */
export function showLogin(place: Element, ports: LoginPorts, signal: AbortSignal): void {
  if (signal.aborted || place.previousElementSibling?.classList.contains("login")) return;
  addLateLabels();
  const offer = new LoginOffer(ports, signal);
  place.before(offer.element);
  adoptSheet(place, CSS);
}

class LoginOffer {
  readonly element = h("div", { class: "login", part: "login", role: "alert", "data-testid": "login-offer" });
  #asking = false;
  /** Whether the backend has said that the login is missing, apart from what the uploads were told. */
  #wasMissing = false;
  readonly #ended = new AbortController();

  constructor(
    readonly ports: LoginPorts,
    signal: AbortSignal,
  ) {
    this.#show();
    const ended = this.#ended.signal;
    signal.addEventListener("abort", () => this.#end(), { signal: ended });
    ports.localization.addEventListener("change", () => this.#show(), { signal: ended });
    addEventListener("focus", () => void this.#ask(), { signal: ended });
    const timer = setInterval(() => void this.#ask(), ASK_EVERY);
    ended.addEventListener("abort", () => clearInterval(timer));
    void this.#ask();
  }

  #show(): void {
    const { localization, host } = this.ports;
    const text = `${localization.label("logged_out")} ${localization.label("logged_in_again")}`;
    this.element.replaceChildren(h("span", {}, text.replace("。 ", "。")));
    if (!host.login) return;
    // Another tab: this page keeps the files that were chosen.
    const open = button("log-in", () => window.open(host.login, "_blank", "noopener"), "primary");
    setLabel(open, localization.label("log_in"));
    this.element.append(open);
  }

  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const refusal: unknown = await this.ports.host.uploader.allowance().then(
      () => null,
      (error) => error,
    );
    this.#asking = false;
    const isMissing = refusal instanceof LoginError;
    this.#wasMissing ||= isMissing;
    const answered = refusal === null || (refusal instanceof ApiError && refusal.status < 500);
    if (isMissing || !answered || this.#ended.signal.aborted) return;
    this.#end();
    for (const row of this.ports.rows) if (row.error instanceof LoginError) this.#continue(row, row.error);
    if (this.#mayContinue(this.ports.host)) this.ports.onlogin();
  }

  #continue(row: Row, error: LoginError): void {
    if (!this.#mayContinue(row)) return;
    if (error.aborting) row.abort().catch(() => {});
    else row.resume();
  }

  #mayContinue(what: object): boolean {
    if (this.#wasMissing) return true;
    const now = performance.now();
    const isSoon = now < (continued.get(what) ?? Number.NEGATIVE_INFINITY) + AGAIN_AFTER;
    if (!isSoon) continued.set(what, now);
    return !isSoon;
  }

  #end(): void {
    this.#ended.abort();
    this.element.remove();
  }
}
