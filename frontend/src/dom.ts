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

/** A button that says the same to eyes, ears and tests. */
export function button(testid: string, text: string, label: string, onclick: () => void): HTMLButtonElement {
  const attributes = { type: "button", part: `button ${testid}`, "data-testid": testid, "aria-label": label };
  return h("button", { ...attributes, click: onclick }, text);
}

/** Changes text only when it differs, so that readers of the page are not told twice. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
