import { expect, test } from "vitest";
import { formatDate } from "../../src/element/dates.ts";
import { ENGLISH } from "../../src/element/labels.ts";
import { addLateLabels } from "../../src/element/late-labels.ts";
import { Localization } from "../../src/element/localization.ts";
import { DAMAGED } from "../../src/engine/damage.ts";
import { DIAGNOSES } from "../../src/engine/diagnosis-texts.ts";
import { StorageError } from "../../src/engine/errors.ts";
import { REFUSED } from "../../src/engine/oss-response.ts";
import { NOT_ALLOWED, OTHER_FILE } from "../../src/engine/resuming.ts";
import { BROKEN } from "../../src/engine/stream-broken.ts";
import { zhHans } from "../../src/locales/zh-hans.ts";

const places = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

test("Chinese has every text that English has, with the same facts", () => {
  addLateLabels();
  for (const table of ["labels", "notices"] as const) {
    for (const [name, text] of Object.entries(ENGLISH[table])) {
      const translated = (zhHans[table] as Record<string, string>)[name] ?? "";
      expect([name, places(translated)]).toEqual([name, places(text)]);
    }
  }
  for (const [name, texts] of Object.entries({
    ...ENGLISH.errors,
    ...DIAGNOSES,
    stream_broken: BROKEN,
    damaged: DAMAGED,
    other_file: OTHER_FILE,
    file_not_allowed: NOT_ALLOWED,
    storage_refused: REFUSED,
  })) {
    const translated = (zhHans.errors as Record<string, readonly string[]>)[name] ?? [];
    expect([name, translated.map(places)]).toEqual([name, texts.map(places)]);
  }
});

test("texts that come with an error are shown, unless the page's language or the host has others", async () => {
  const localization = new Localization();
  const [title, detail, hint] = DIAGNOSES.csp_blocked;
  const facts = { address: "https://oss.test" };
  const error = new StorageError({
    code: "csp_blocked",
    title,
    detail,
    hint,
    sentence: "csp_blocked",
    facts,
  });
  expect(localization.error(error)).toMatchObject({ title });
  await localization.setLanguage("zh-CN");
  expect(localization.error(error).detail).toContain("（Content-Security-Policy）不允许 https://oss.test");
  localization.setTranslation({ errors: { csp_blocked: ["Gesperrt.", "{address}", ""] } });
  expect(localization.error(error)).toEqual({ title: "Gesperrt.", detail: "https://oss.test", hint: "" });
});

test("what the backend says of a refusal is filled in everywhere, the title too", async () => {
  const localization = new Localization();
  const facts = { title: "OSS 拒绝了", detail: "原因", cure: "绑定域名" };
  const [title, detail, hint] = DIAGNOSES.refused_here;
  const error = new StorageError({
    code: "PublicEndpointForbidden",
    title,
    detail,
    hint,
    sentence: "refused_here",
    facts,
  });
  await localization.setLanguage("zh-CN");
  const shown = { title: "OSS 拒绝了", detail: "原因", hint: "致管理员：绑定域名" };
  expect(localization.error(error)).toEqual(shown);
});

test("a host's texts stay when the language changes; the others change", async () => {
  const localization = new Localization();
  localization.setTranslation({ labels: { choose: "选一个" } });
  await localization.setLanguage("zh-CN");
  expect([localization.label("choose"), localization.label("pause")]).toEqual(["选一个", "暂停"]);
  await localization.setLanguage("en");
  expect([localization.label("choose"), localization.label("pause")]).toEqual(["选一个", "Pause"]);
});

test("the last language requested wins, however long another takes to load", async () => {
  const localization = new Localization();
  await Promise.all([localization.setLanguage("zh"), localization.setLanguage("en")]);
  expect(localization.label("pause")).toBe("Pause");
});

test("numbers are formatted in the language of the texts", async () => {
  const localization = new Localization();
  const counted = () => localization.label("counted", { done: 1000, all: 3000 });
  await localization.setLanguage("de"); // The texts are English.
  expect(counted()).toBe("1,000 of 3,000 uploaded");
  localization.setTranslation({ labels: { counted: "{done} von {all} hochgeladen" } });
  expect(counted()).toBe("1.000 von 3.000 hochgeladen");
});

test("English of another country has that country's dates", async () => {
  const localization = new Localization();
  await localization.setLanguage("en-GB");
  expect(formatDate("2031-05-06T12:00:00", localization.formats.locale)).toBe("6 May 2031, 12:00");
});
