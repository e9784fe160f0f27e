// The texts of <oss-uploader> in the language of the page.
// English is always loaded. Another language is loaded when the page uses it, and then announced by a `change` event.

import type { UploadError } from "../engine/errors.ts";
import type { Notice } from "../engine/events.ts";
import { importLate } from "../engine/late.ts";
import { type Facts, fill } from "../engine/sentences.ts";
import { Formats } from "./format.ts";
import { ENGLISH, type LabelName, type Language } from "./labels.ts";

/** A host's own texts: a whole language, or some entries of its tables. */
export type Translation = { readonly [Table in keyof Language]?: Partial<Language[Table]> };

/** The three texts that explain an error. `hint` is "" where there is no advice. */
export interface ErrorTexts {
  title: string;
  detail: string;
  hint: string;
}

/** Dispatches `change` when the texts have changed. */
export class Localization extends EventTarget {
  /** The language of the page, without the host's texts. */
  #loaded: Language = ENGLISH;
  #loadedTag = "en";
  #requestedTag = "en";
  #requests = 0;
  #translation: Translation = {};
  #texts: Language = ENGLISH;
  #formats = new Formats("en");

  /** Changes to the language of a BCP 47 tag, as soon as it is loaded. A language that is not there gives English. */
  async setLanguage(tag: string): Promise<void> {
    this.#requests += 1;
    const request = this.#requests;
    const chinese = /^zh\b/i.test(tag);
    const zhHans = chinese
      ? await importLate(() => import("../locales/zh-hans.ts"), "zhHans").catch(() => null)
      : null;
    if (request !== this.#requests) return; // Another language was requested meanwhile.
    this.#loaded = zhHans ?? ENGLISH;
    this.#loadedTag = zhHans ? "zh-Hans" : "en";
    this.#requestedTag = tag;
    this.#update();
  }

  /** Replaces the host's texts, which take precedence over those of the page's language. */
  setTranslation(translation: Translation): void {
    this.#translation = translation;
    this.#update();
  }

  /** The BCP 47 tag of the texts; "" (unknown) where the host has given its own. */
  get tag(): string {
    return this.#isTranslated ? "" : this.#loadedTag;
  }

  /** Formats numbers and dates in the language of the texts. */
  get formats(): Formats {
    return this.#formats;
  }

  /** Numbers among the facts are formatted. */
  label(name: LabelName, facts: Facts = {}): string {
    return fill(this.#texts.labels[name] ?? ENGLISH.labels[name], this.#formatted(facts));
  }

  notice({ name, facts }: Notice): string {
    return fill(this.#texts.notices[name], this.#formatted(facts));
  }

  /** The backend's own messages are already in the language that the browser asked for. */
  error(error: UploadError): ErrorTexts {
    const texts = error.sentence && this.#texts.errors[error.sentence];
    if (!texts) return error;
    const [title = "", detail = "", hint = ""] = texts.map((text) => fill(text, error.facts));
    return { title, detail, hint };
  }

  get #isTranslated(): boolean {
    return Object.keys(this.#translation).length > 0;
  }

  #update(): void {
    const { labels, notices, errors } = this.#translation;
    this.#texts = {
      labels: { ...this.#loaded.labels, ...labels },
      notices: { ...this.#loaded.notices, ...notices },
      errors: { ...this.#loaded.errors, ...errors },
    };
    this.#formats = new Formats(this.#formatTag());
    this.dispatchEvent(new Event("change"));
  }

  /** The page's own tag where the texts are in its language (`en-GB` has other dates than `en-US`). */
  #formatTag(): string {
    const sameLanguage = this.#loadedTag === "en" && /^en\b/i.test(this.#requestedTag);
    return this.#isTranslated || sameLanguage ? this.#requestedTag : this.#loadedTag;
  }

  #formatted(facts: Facts): Facts {
    const format = (fact: string | number) => (typeof fact === "number" ? this.#formats.number(fact) : fact);
    return Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, format(fact)]));
  }
}

/** The `lang` of the nearest ancestor that has one, as HTML defines it; otherwise the browser's language. */
export function languageOf(element: Element): string {
  for (let at: Element | null = element; at; at = shadowHostOf(at)) {
    const nearest = at.closest<HTMLElement>("[lang]");
    if (nearest?.lang) return nearest.lang;
  }
  return navigator.language;
}

function shadowHostOf(element: Element): Element | null {
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? root.host : null;
}
