import { assertEquals, assertRejects } from "@std/assert";
import { Refusal } from "../../../core/base/errors.ts";
import { type AskedServer, requireAllReady } from "../../../core/operations/readiness.ts";
import type { Answer } from "../../../core/operations/siblings.ts";

function serverWith(others: Record<string, Answer<string | null>> | undefined): AskedServer {
  const siblings = others && {
    process: "2",
    ask: () => Promise.resolve(new Map(Object.entries(others))) as never,
  };
  return {
    deployment: { applications: new Map() } as never,
    store: { requirePlace: () => Promise.resolve(), writes: { failing: false } as never },
    issuer: { ready: () => Promise.resolve() },
    siblings,
    now: () => 0,
  };
}

const told = (told: string | null): Answer<string | null> => ({ kind: "told", told });

Deno.test("requireAllReady() tells of each process, and of none where one is alone", async () => {
  assertEquals(await requireAllReady(serverWith(undefined)), undefined);
  assertEquals(await requireAllReady(serverWith({ 1: told(null), 3: { kind: "away" } })), {
    1: "ready",
    2: "ready",
    3: "away",
  });
});

Deno.test("requireAllReady() refuses while clients may meet a process that does not do its work", async () => {
  for (const answer of [told("store_unavailable"), { kind: "silent" } as const]) {
    await assertRejects(
      () => requireAllReady(serverWith({ 1: answer, 3: told(null) })),
      Refusal,
      "Not every process is ready (process 1: ",
    );
  }
});
