import { assert, assertEquals, assertRejects } from "@std/assert";
import { inTime } from "../../../client/base/deadline.ts";
import { exchange, parseJson } from "../../../client/http/network.ts";
import type { Fetch } from "../../../client/mod.ts";
import { surroundings } from "../../support/client/client_surroundings.ts";

const URL_OF_LOGS = "https://telemetry.example/v1/apps/notes/logs";

async function answerTo(fetch: Fetch, maxBytes = 1000, signal?: AbortSignal) {
  const { network, told } = surroundings({ fetch, signal });
  const answer = await exchange(network, {
    step: "logs",
    url: URL_OF_LOGS,
    init: { method: "POST" },
    maxBytes,
  });
  return { answer, told };
}

Deno.test("exchange() reads an answer and its code", async () => {
  const problem = JSON.stringify({ code: "use_taken" });
  const headers = { "content-type": "application/problem+json" };
  const { answer, told } = await answerTo(() =>
    Promise.resolve(new Response(problem, { status: 409, headers }))
  );
  assertEquals([answer.status, answer.code], [409, "use_taken"]);
  assertEquals(told, [["refused", { step: "logs", code: "use_taken" }]]);
});

Deno.test("exchange() believes no code of somebody else, and repeats no strange one", async () => {
  for (
    const [body, type] of [
      [JSON.stringify({ code: "use_taken" }), "application/json"],
      [JSON.stringify({ code: "<script>" }), "application/problem+json"],
      [JSON.stringify({ code: 7 }), "application/problem+json"],
      ["null", "application/problem+json"],
      ["{", "application/problem+json"],
    ] as const
  ) {
    const { answer, told } = await answerTo(() =>
      Promise.resolve(new Response(body, { status: 409, headers: { "content-type": type } }))
    );
    assertEquals(answer.code, undefined);
    assertEquals(told, [["refused", { step: "logs", code: "status_409" }]]);
  }
});

Deno.test("exchange() gives up an endless body and ends its stream", async () => {
  let isCancelled = false;
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 100;
      controller.enqueue(new Uint8Array(100));
    },
    cancel() {
      isCancelled = true;
    },
  });
  const { answer, told } = await answerTo(() => Promise.resolve(new Response(endless)));
  assertEquals(answer.status, 0);
  assertEquals(told, [["refused", { step: "logs", code: "no_answer" }]]);
  assert(isCancelled);
  assert(sent < 2000, `${sent} bytes were taken`);
});

Deno.test("exchange() takes a body of exactly the most bytes", async () => {
  const { answer } = await answerTo(() => Promise.resolve(new Response(new Uint8Array(1000))));
  assertEquals([answer.status, answer.body.length], [200, 1000]);
});

Deno.test("exchange() takes a failing network, a broken body and an abort for no answer", async () => {
  const broken = () => new ReadableStream({ pull: (controller) => controller.error(new TypeError("reset")) });
  assertEquals((await answerTo(() => Promise.reject(new TypeError("refused")))).answer.status, 0);
  assertEquals((await answerTo(() => Promise.resolve(new Response(broken())))).answer.status, 0);
  const abort = new AbortController();
  const never: Fetch = (_url, { signal }) =>
    new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  const pending = answerTo(never, 1000, abort.signal);
  abort.abort();
  assertEquals((await pending).answer.status, 0);
});

Deno.test("inTime() leaves no timer and no listener behind, which would keep a process alive", async () => {
  const { setTimeout, clearTimeout } = globalThis;
  const timers = new Set<unknown>();
  const { signal } = new AbortController();
  const listeners = new Set<unknown>();
  signal.addEventListener = (_: string, listener: unknown) => void listeners.add(listener);
  signal.removeEventListener = (_: string, listener: unknown) => void listeners.delete(listener);
  globalThis.setTimeout = ((...args: Parameters<typeof setTimeout>) => {
    const timer = setTimeout(...args);
    timers.add(timer);
    return timer;
  }) as typeof setTimeout;
  globalThis.clearTimeout = (timer) => {
    timers.delete(timer);
    clearTimeout(timer);
  };
  try {
    const answered = inTime(signal, () => Promise.resolve("answer"));
    assertEquals([timers.size, listeners.size], [1, 1]);
    assertEquals(await answered, "answer");
    await assertRejects(() => inTime(signal, () => Promise.reject(new TypeError("offline"))), TypeError);
    assertEquals([timers.size, listeners.size], [0, 0]);
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout });
  }
});

Deno.test("parseJson() gives nothing for what is no JSON or no UTF-8", () => {
  assertEquals(parseJson(new TextEncoder().encode('{"a":1}')), { a: 1 });
  assertEquals(parseJson(new TextEncoder().encode("{")), undefined);
  assertEquals(parseJson(Uint8Array.of(0x22, 0xff, 0x22)), undefined);
});
