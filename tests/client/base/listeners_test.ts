import { assertEquals } from "@std/assert";
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
