import { assert, assertEquals } from "@std/assert";
import { Listeners } from "../../../client/base/listeners.ts";

Deno.test("Listeners call those of an event, in order, until they are removed", () => {
  const listeners = new Listeners();
  const heard: string[] = [];
  const end = listeners.add("issued", ({ tokens }) => heard.push(`first ${tokens}`));
  listeners.add("issued", ({ tokens }) => heard.push(`second ${tokens}`));
  listeners.add("stopped", ({ reason }) => heard.push(reason));
  listeners.report("issued", { tokens: 1 });
  end();
  end();
  listeners.report("issued", { tokens: 2 });
  assertEquals(heard, ["first 1", "second 1", "second 2"]);
});

Deno.test("Listeners go on after one that throws, and after one that ends itself", () => {
  const listeners = new Listeners();
  let calls = 0;
  const end = listeners.add("issued", () => {
    end();
    throw new Error("of the app");
  });
  listeners.add("issued", () => calls++);
  listeners.report("issued", { tokens: 1 });
  listeners.report("issued", { tokens: 1 });
  assertEquals(calls, 2);
});

Deno.test("Listeners that cause what they listen to are not called again before they have returned", () => {
  const listeners = new Listeners();
  let calls = 0;
  for (const _ of ["one", "another"]) {
    listeners.add("dropped", () => {
      calls++;
      for (let echo = 0; echo < 2; echo++) listeners.report("dropped", { events: 1, reason: "closed" });
    });
  }
  listeners.report("dropped", { events: 1, reason: "closed" });
  // The first, twice the second by its echo, and the second by itself with the first as its echo.
  assert(calls < 10, `${calls} calls`);
  listeners.catchUp();
});

Deno.test("Listeners tell a thousand drops one by one, and all others in one sum for each reason", () => {
  const listeners = new Listeners();
  const heard: [string, number][] = [];
  listeners.add("dropped", ({ events, reason }) => heard.push([reason, events]));
  for (let drop = 0; drop < 300_000; drop++) {
    listeners.report("dropped", { events: 1, reason: drop % 3 === 0 ? "queue_full" : "field_invalid" });
  }
  assertEquals(heard.length, 1_000);
  listeners.catchUp();
  assertEquals(heard.length, 1_002);
  assertEquals(heard.reduce((sum, [, events]) => sum + events, 0), 300_000);
});
