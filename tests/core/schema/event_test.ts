import { assertEquals } from "@std/assert";
import { isOpen, NO_SUPPRESSIONS } from "../../../core/schema/event.ts";
import { AFTER, BEFORE, EVENTS } from "./events.ts";

Deno.test("isOpen() ends with the last second of the last day", () => {
  const event = EVENTS.token_fetch;
  assertEquals(isOpen("token_fetch", event, NO_SUPPRESSIONS, 0), true);
  assertEquals(isOpen("token_fetch", event, NO_SUPPRESSIONS, AFTER - 86_400), true);
  assertEquals(isOpen("token_fetch", event, NO_SUPPRESSIONS, AFTER - 1), true);
  assertEquals(isOpen("token_fetch", event, NO_SUPPRESSIONS, AFTER), false);
  // What cannot be read is not collected.
  assertEquals(isOpen("token_fetch", { ...event, expires: "soon" }, NO_SUPPRESSIONS, 0), false);
});

Deno.test("isOpen() obeys the kill switch and the monitor", () => {
  const suppressions = { events: new Set(["token_fetch"]), fields: new Set(["halted.ok"]) };
  assertEquals(isOpen("halted", EVENTS.halted, NO_SUPPRESSIONS, BEFORE), false);
  assertEquals(isOpen("token_fetch", EVENTS.token_fetch, suppressions, BEFORE), false);
  assertEquals(isOpen("other", { ...EVENTS.token_fetch, state: "open" }, suppressions, BEFORE), true);
});
