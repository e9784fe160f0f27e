// The control by which the user limits the bandwidth of all uploads of the page. The browser remembers the limit.

import type { OssUploader } from "../engine/uploader.ts";
import { BANDWIDTH_KEY, rememberedBandwidth } from "./bandwidth-memory.ts";
import { h, setText } from "./dom.ts";
import type { Localization } from "./localization.ts";
import { adoptSheet } from "./styles.ts";

const CSS = /* css */ `
.speed-limit {
  display: flex;
  align-items: center;
  gap: .5rem;
  inline-size: fit-content;
  margin-block-start: .75rem;
  padding-inline: .25rem;
  font-size: .8125rem;
  color: var(--oss-muted);
}
.speed-limit select {
  font: inherit;
  color: var(--oss-text);
  background: var(--oss-surface);
  border: 1px solid var(--oss-border);
  border-radius: 8px;
  padding: .25rem .375rem;
  min-block-size: 1.75rem;
}
.speed-limit select:focus-visible {
  outline: 3px solid color-mix(in srgb, var(--oss-accent) 65%, transparent);
  outline-offset: 2px;
}
`;
const MEGABIT = 1_000_000;
/** In megabits a second. */
const OFFERED = [1, 2, 5, 10, 20, 50, 100];

export class SpeedLimit {
  readonly #text = h("span", {});
  readonly #select = h("select", { "data-testid": "speed-limit", change: () => this.#choose() });
  readonly element = h("label", { class: "speed-limit", part: "speed-limit" }, this.#text, this.#select);

  constructor(
    readonly localization: Localization,
    readonly uploader: () => OssUploader,
  ) {
    // A host's own uploader does not know what the browser remembers.
    uploader().bandwidth ??= rememberedBandwidth() ?? null;
    localization.addEventListener("change", () => this.#show());
    addEventListener("storage", (event) => this.#follow(event));
    this.#show();
  }

  appendTo(place: Element): void {
    adoptSheet(place, CSS);
    place.append(this.element);
  }

  /** Hides the control when nothing is uploaded and no limit is set. */
  set busy(busy: boolean) {
    this.element.hidden = !busy && this.uploader().bandwidth === null;
  }

  #choose(): void {
    const limit = Number(this.#select.value) || null;
    this.uploader().bandwidth = limit;
    try {
      if (limit) localStorage.setItem(BANDWIDTH_KEY, String(limit));
      else localStorage.removeItem(BANDWIDTH_KEY);
    } catch {} // Storage is forbidden: the limit holds for this page.
  }

  /** Another tab has changed the limit. Each tab keeps to it by itself. */
  #follow({ key }: StorageEvent): void {
    if (key !== BANDWIDTH_KEY) return;
    this.uploader().bandwidth = rememberedBandwidth() ?? null;
    this.#show();
  }

  #show(): void {
    const { localization } = this;
    const limit = this.uploader().bandwidth ?? 0;
    setText(this.#text, localization.label("speed_limit"));
    const rates = new Set([0, ...OFFERED.map((rate) => rate * MEGABIT), limit]);
    const options = [...rates]
      .sort((a, b) => a - b)
      .map((rate) => {
        const facts = { rate: rate / MEGABIT };
        const text = rate ? localization.label("speed_rate", facts) : localization.label("speed_unlimited");
        return h("option", { value: String(rate) }, text);
      });
    this.#select.replaceChildren(...options);
    this.#select.value = String(limit);
  }
}
