import { expect, test } from "vitest";
import { ENGLISH } from "../../src/element/labels.ts";
import { Speech } from "../../src/element/language.ts";
import { zhHans } from "../../src/locales/zh-hans.ts";

const places = (sentence: string) => (sentence.match(/\{\w+\}/g) ?? []).sort();

test("Chinese says everything that English says, with the same facts", () => {
  for (const table of ["labels", "notices"] as const) {
    for (const [name, sentence] of Object.entries(ENGLISH[table])) {
      const said = (zhHans[table] as Record<string, string>)[name] ?? "";
      expect([name, places(said)]).toEqual([name, places(sentence)]);
    }
  }
  for (const [name, sentences] of Object.entries(ENGLISH.errors)) {
    const said = (zhHans.errors as Record<string, readonly string[]>)[name] ?? [];
    expect([name, said.map(places)]).toEqual([name, sentences.map(places)]);
  }
});

test("a host's words outlive the page's language, and leave the rest in it", async () => {
  const speech = new Speech();
  speech.use({ labels: { choose: "选一个" } });
  await speech.turnTo("zh-CN");
  expect([speech.label("choose"), speech.label("pause")]).toEqual(["选一个", "暂停"]);
  await speech.turnTo("en");
  expect([speech.label("choose"), speech.label("pause")]).toEqual(["选一个", "Pause"]);
});

test("the last language wins, however long another takes to come", async () => {
  const speech = new Speech();
  await Promise.all([speech.turnTo("zh"), speech.turnTo("en")]);
  expect(speech.label("pause")).toBe("Pause");
});
