// Makes elements.
// Its one rule: text is only ever text; nothing here parses markup, so a file's name cannot become any.

export type Attributes = Readonly<Record<string, string | boolean | ((event: Event) => void)>>;

/** A function becomes a listener, true an empty attribute, false none. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** A button that gets its words later: languages change. */
export function button(testid: string, onclick: () => void): HTMLButtonElement {
  return h("button", { type: "button", part: `button ${testid}`, "data-testid": testid, click: onclick });
}

/** What it says to eyes; to ears also of what, where there may be many: both must begin alike to be found by voice. */
export function word(element: HTMLElement, text: string, subject = ""): void {
  setText(element, text);
  if (subject) element.setAttribute("aria-label", `${text}: ${subject}`);
}

/** What had the focus is about to go, or has gone: whoever knows the whole gives it to something else. */
export function loseFocus(from: Element): void {
  from.dispatchEvent(new CustomEvent("focus-lost", { bubbles: true }));
}

/** The first button of these that can be pressed. */
export function firstButton(...places: (Element | null | undefined)[]): HTMLButtonElement | undefined {
  const buttons = places.flatMap((place) => [...(place?.querySelectorAll("button") ?? [])]);
  return buttons.find((one) => one.checkVisibility());
}

/** Changes text only when it differs, so that readers of the page are not told twice. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
