// Offers the login when it has expired, and continues the uploads when the user is logged in again.
// Loaded with the first call that is refused for want of a login.

import { ApiError, LoginError } from "../engine/errors.ts";
import { refusedAborts } from "./cancelling.ts";
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

/** Rows that have been continued once, although the login was not missing when the backend was asked. */
const continued = new WeakSet<Row>();

/** Shows the offer before `place`, once however many calls are refused, until the login or the signal. */
export function offerLogin(place: Element, ports: LoginPorts, signal: AbortSignal): void {
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
  #isMissing = false;
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
    const isLoggedIn = await this.ports.host.uploader.allowance().then(
      () => true,
      (error) => error instanceof ApiError && error.status < 500 && !(error instanceof LoginError),
    );
    this.#asking = false;
    this.#isMissing ||= !isLoggedIn;
    if (!isLoggedIn || this.#ended.signal.aborted) return;
    this.#end();
    for (const row of this.ports.rows) this.#continue(row);
    this.ports.onlogin();
  }

  /** Where the login was not missing, something else refuses the row. It would do so again and again. */
  #continue(row: Row): void {
    const { error } = row;
    if (!(error instanceof LoginError)) return;
    if (!this.#isMissing) {
      if (continued.has(row)) return;
      continued.add(row);
    }
    if (refusedAborts.has(error)) row.abort().catch((again) => refusedAborts.add(again));
    else row.resume();
  }

  #end(): void {
    this.#ended.abort();
    this.element.remove();
  }
}
