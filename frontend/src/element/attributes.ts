// The attributes of <oss-uploader> as properties.

import type { HeadersOption } from "../engine/http.ts";
import type { UploaderOptions } from "../engine/options.ts";
import { rememberedBandwidth } from "./bandwidth-memory.ts";

/** Changing one of these needs another engine. */
export const ENGINE_ATTRIBUTES = [
  "api",
  "destination",
  "parallel",
  "signing",
  "integrity",
  "accept",
  "max-size",
  "max-files",
  "credentials",
  "csrf-token",
  "csrf-header",
];

/** On a server there is no HTMLElement, and importing the package must not fail there. */
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

/** The attributes of the element as properties. */
export class ElementWithAttributes extends Base {
  /** @internal */
  static readonly observedAttributes = [
    "single",
    "required",
    "value",
    "name",
    "camera",
    "lang",
    ...ENGINE_ATTRIBUTES,
  ];

  /** The URL of the backend's API; `/api/` by default. */
  get api(): string {
    return this.getAttribute("api") ?? "/api/";
  }

  set api(value: string) {
    this.setAttribute("api", value);
  }

  /** The name of a destination in the backend's settings; `default` by default. */
  get destination(): string {
    return this.getAttribute("destination") ?? "default";
  }

  set destination(value: string) {
    this.setAttribute("destination", value);
  }

  /** How many parts of one file are sent at once, 1 to 6; 4 by default. */
  get parallel(): number {
    return Number(this.getAttribute("parallel") ?? 4);
  }

  set parallel(value: number) {
    this.setAttribute("parallel", String(value));
  }

  /** Whether there is at most one upload. A new file then replaces the one before, and aborts its upload. */
  get single(): boolean {
    return this.hasAttribute("single");
  }

  set single(value: boolean) {
    this.toggleAttribute("single", value);
  }

  /** The name under which a form submits the ids of the completed uploads; "" by default: none are submitted. */
  get name(): string {
    return this.getAttribute("name") ?? "";
  }

  set name(value: string) {
    this.setAttribute("name", value);
  }

  /** The URL of the login page, which is offered when the login has expired; "" by default: none is offered. */
  get login(): string {
    return this.getAttribute("login") ?? "";
  }

  set login(value: string) {
    this.setAttribute("login", value);
  }

  /** Whether files may be dropped anywhere in the page. */
  get pageDrop(): boolean {
    return this.hasAttribute("page-drop");
  }

  set pageDrop(value: boolean) {
    this.toggleAttribute("page-drop", value);
  }

  /** The ids in the `value` attribute, separated by spaces or commas. */
  protected get initialValue(): readonly string[] {
    return (this.getAttribute("value") ?? "").split(/[\s,]+/).filter(Boolean);
  }

  #headers?: HeadersOption;

  /** Headers for each call to the backend, for example a token; or a function that gives them. */
  get headers(): HeadersOption | undefined {
    return this.#headers;
  }

  set headers(value: HeadersOption) {
    this.#headers = value;
    this.renewEngine();
  }

  /** The options of the engine have changed. */
  protected renewEngine(): void {}

  /** The engine's options. It has the defaults, and checks `signing`, `integrity` and `credentials` itself. */
  protected get uploaderOptions(): UploaderOptions {
    const { api, destination, parallel, headers } = this;
    const given = (name: string) => this.getAttribute(name) ?? undefined;
    const [maxSize, maxFiles] = [given("max-size"), given("max-files")].map((text) => text && Number(text));
    const field = this.closest("form")?.querySelector<HTMLInputElement>("[name=csrfmiddlewaretoken]");
    return {
      ...{ api, destination, parallel, headers },
      ...{ signing: given("signing"), integrity: given("integrity"), credentials: given("credentials") },
      bandwidth: rememberedBandwidth(),
      restrictions: { accept: given("accept"), maxSize, maxFiles },
      csrf: { token: given("csrf-token") ?? field?.value, header: given("csrf-header") },
    } as UploaderOptions;
  }
}
