// Creates elements and changes their text.
// Nothing here parses markup, so a file's name cannot become any.

export type Attributes = Readonly<Record<string, string | boolean | ((event: Event) => void)>>;

/** A function becomes an event listener, `true` an empty attribute, `false` no attribute. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** A button without text: `setLabel` gives it one, again whenever the language changes. `style` is a CSS class. */
export function button(name: string, onclick: () => void, style = ""): HTMLButtonElement {
  const attributes = { class: style, part: `button ${name}`, "data-testid": name };
  return h("button", { type: "button", ...attributes, click: onclick });
}

/**
 * Sets the visible text. With a subject, such as a file's name, the accessible name is “text: subject”. It begins with
 * the visible text, so that speech control finds it (WCAG 2.5.3, Label in Name).
 */
export function setLabel(element: HTMLElement, text: string, subject = ""): void {
  setText(element, text);
  if (subject) element.setAttribute("aria-label", `${text}: ${subject}`);
}

/** Changes text only when it differs, so that screen readers do not read it twice. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets what `:state()` matches. Without effect before Chrome 125 and Firefox 126, which match no such names. */
export function setState(internals: ElementInternals, name: string, on: boolean): void {
  try {
    internals.states[on ? "add" : "delete"](name);
  } catch {} // Chrome before 125 refuses the name; Firefox before 126 has no `states`.
}

/** A file's name, apart from the direction of the text around it, without characters that would turn it round. */
export function fileName(name: string, attributes: Attributes = {}): HTMLElement {
  const shown = withoutDirections(name);
  return h("bdi", { class: "name", title: shown, ...attributes }, shown);
}

/** With these characters `gnp.exe` looks like `exe.png` (Unicode Technical Report 36, section 3.1). */
export function withoutDirections(name: string): string {
  return name.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");
}

/** Tells <oss-uploader> that the focused element is hidden or removed, so that it moves the focus. */
export function reportLostFocus(from: Element): void {
  from.dispatchEvent(new CustomEvent("focus-lost", { bubbles: true }));
}

/** The first visible button within these elements. */
export function firstButton(...places: (Element | null | undefined)[]): HTMLButtonElement | undefined {
  const buttons = places.flatMap((place) => [...(place?.querySelectorAll("button") ?? [])]);
  return buttons.find((one) => one.getClientRects().length > 0);
}
