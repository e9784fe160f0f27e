// In which language <oss-uploader> speaks, and how.
// Its one rule: English is always there; another language is loaded when a page is in it, and comes as a change.

import type { UploadError } from "../engine/errors.ts";
import type { Notice } from "../engine/events.ts";
import { type Facts, fill } from "../engine/sentences.ts";
import { ENGLISH, type LabelName, type Language } from "./labels.ts";

/** What a host says itself: a whole language, or some of its words. */
export type Translation = { readonly [Table in keyof Language]?: Partial<Language[Table]> };

export interface Words {
  title: string;
  detail: string;
  hint: string;
}

export class Speech extends EventTarget {
  #language = ENGLISH;
  /** What the page is in, and the words of the host, which go before. */
  #spoken: Language = ENGLISH;
  #own: Translation = {};
  #turns = 0;
  #tag = "en";

  /** Speaks the language of this tag (BCP 47), as soon as it is there. */
  async turnTo(tag: string): Promise<void> {
    const turn = ++this.#turns;
    const chinese = /^zh\b/i.test(tag);
    // Where it cannot be loaded, English serves.
    const loaded = chinese ? await import("../locales/zh-hans.ts").catch(() => null) : null;
    if (turn !== this.#turns) return;
    this.#spoken = loaded?.zhHans ?? ENGLISH;
    this.#tag = loaded ? "zh-Hans" : "en";
    this.#say();
  }

  use(own: Translation): void {
    this.#own = own;
    this.#say();
  }

  #say(): void {
    const { labels, notices, errors } = this.#own;
    this.#language = {
      labels: { ...this.#spoken.labels, ...labels },
      notices: { ...this.#spoken.notices, ...notices },
      errors: { ...this.#spoken.errors, ...errors },
    };
    this.dispatchEvent(new Event("change"));
  }

  /** The language of what is said; "" of a host's own words, whose language nobody has told. */
  get tag(): string {
    return Object.keys(this.#own).length ? "" : this.#tag;
  }

  label(name: LabelName, facts: Facts = {}): string {
    return fill(this.#language.labels[name], facts);
  }

  notice({ name, facts }: Notice): string {
    return fill(this.#language.notices[name], facts);
  }

  /** The backend's own words are in the language that the browser asked it for. */
  error(error: UploadError): Words {
    if (!error.sentence) return error;
    const [title, detail, hint] = this.#language.errors[error.sentence];
    return { title, detail: fill(detail, error.facts), hint: fill(hint, error.facts) };
  }
}
