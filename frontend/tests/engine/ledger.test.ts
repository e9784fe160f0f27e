import { expect, test } from "vitest";
import { Ledger } from "../../src/engine/ledger.ts";
import { planOf } from "../../src/engine/parts.ts";

const ledger = () => new Ledger(planOf(45, 10, 5));

test("what the storage holds is adopted, unless it is of another size or not in the plan", () => {
  const known = ledger();
  known.adopt([
    { number: 1, size: 10 },
    { number: 2, size: 9 },
    { number: 5, size: 5 },
    { number: 6, size: 10 },
    { number: 0, size: 10 },
  ]);
  expect([known.todo, known.doneCount, known.doneBytes]).toEqual([[2, 3, 4], 2, 15]);
  expect(known.untold()).toEqual([]);
});

test("a part put back keeps its place; taken in order, each once", () => {
  const known = ledger();
  const [one, two] = [known.take(), known.take()];
  known.putBack(two ?? 0);
  known.putBack(one ?? 0);
  expect(known.todo).toEqual([1, 2, 3, 4, 5]);
  known.putBack(9);
  expect(known.todo.at(-1)).toBe(9);
});

test("a finished part is told until it is acknowledged, and again when it was sent again meanwhile", () => {
  const known = ledger();
  known.finish({ number: 1, size: 10, etag: "A" });
  const telling = known.untold();
  known.reopen([1, 3]);
  known.finish({ number: 1, size: 10, etag: "B" });
  known.told(telling);
  expect(known.untold()).toEqual([{ number: 1, size: 10, etag: "B" }]);
  known.told(known.untold());
  expect(known.untold()).toEqual([]);
});

test("reopening counts only what was thought done", () => {
  const known = ledger();
  for (let number = known.take(); number; number = known.take()) known.finish({ number, size: 10 });
  expect(known.complete).toBe(true);
  expect(known.reopen([2, 2, 9])).toBe(1);
  expect([known.todo, known.complete]).toEqual([[2], false]);
});
