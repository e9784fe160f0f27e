import { afterEach, expect, test, vi } from "vitest";
import { noticesChanges } from "../../src/browser/file-changes.ts";

afterEach(() => vi.unstubAllGlobals());

function inBrowser(...brands: string[]): void {
  const userAgentData = { brands: brands.map((brand) => ({ brand })) };
  vi.stubGlobal("navigator", brands.length > 0 ? { userAgentData } : {});
}

const AN_HOUR_AGO = { lastModified: Date.now() - 3_600_000 };

test("browsers that are made from Chromium notice that a file has changed", () => {
  inBrowser("Not;A=Brand", "Chromium", "Microsoft Edge");
  expect(noticesChanges(new File(["old"], "film.mp4", AN_HOUR_AGO))).toBe(true);
});

test("of other browsers, of files without a date and of those that have just been written nothing is known", () => {
  inBrowser();
  expect(noticesChanges(new File(["old"], "film.mp4", AN_HOUR_AGO))).toBe(false);
  inBrowser("Chromium");
  expect(noticesChanges(new Blob(["old"]))).toBe(false);
  expect(noticesChanges(new File(["new"], "film.mp4"))).toBe(false);
});
