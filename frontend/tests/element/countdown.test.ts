// The seconds until an upload tries again, as its row shows them. The page's elements are as small as the test needs.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { countDown } from "../../src/element/countdown.ts";
import { Localization } from "../../src/element/localization.ts";
import { fileOf, TestEnvironment } from "../environment.ts";

class Part extends EventTarget {
  textContent = "";
  next: Part | null = null;
  isConnected = false;
  after(next: Part): void {
    this.next = Object.assign(next, { isConnected: true, remove: () => this.#remove(next) });
  }
  #remove(next: Part): void {
    next.isConnected = false;
    this.next = null;
  }
  append(): void {}
  remove(): void {}
  setAttribute(): void {}
  matches(): boolean {
    return false;
  }
  getRootNode(): object {
    return {};
  }
}

class Sheet {
  replaceSync(): void {}
}

beforeEach(() => {
  vi.stubGlobal("document", { createElement: () => new Part() });
  vi.stubGlobal("CSSStyleSheet", Sheet);
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test.each([
  ["en", "OSS is busy (ServiceUnavailable). Trying again in {} s.", "Try now"],
  ["zh-CN", "OSS 繁忙（ServiceUnavailable），{} 秒后重试。", "立即重试"],
])("in %s the seconds are counted down, and need not be awaited", async (tag, text, label) => {
  const localization = new Localization();
  await localization.setLanguage(tag);
  const environment = new TestEnvironment();
  environment.store.fault = (_, tries) =>
    tries === 1 ? { status: 503, code: "ServiceUnavailable", headers: { "Retry-After": "60" } } : undefined;
  const upload = environment.open().upload(fileOf(10));
  await environment.clock.until(() => upload.notice !== null);

  const message = Object.assign(new Part(), { isConnected: true });
  const onchange = vi.fn();
  const show = () => countDown(upload, message as unknown as HTMLElement, localization, onchange);
  show();
  show();
  const shown = [];
  for (let second = 0; second < 3; second++) {
    shown.push(message.textContent);
    await environment.clock.pass(1000);
    vi.advanceTimersByTime(1000);
  }
  expect(shown).toEqual([60, 59, 58].map((wait) => text.replace("{}", String(wait))));
  expect(message.next?.textContent).toBe(label);
  expect(onchange).toHaveBeenCalledTimes(4); // At once, and each second.

  message.next?.dispatchEvent(new Event("click"));
  await environment.clock.run(upload.done);
  expect(environment.clock.now()).toBeLessThan(30_000);
  expect(message.next).toBeNull();
  expect(vi.getTimerCount()).toBe(0);
});
