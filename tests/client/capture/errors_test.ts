import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { captureErrors } from "../../../client/capture/errors.ts";
import { fingerprintOf, isForeign } from "../../../client/capture/fingerprint.ts";
import { captureWith } from "../../support/client/captured_client.ts";

const OPTIONS = {
  event: "uncaught_error",
  classField: "class",
  classes: ["TypeError", "SyncError"],
} as const;

/** Dispatches an error as the platform does, for which the test runs on. */
function fail(error: unknown): void {
  globalThis.dispatchEvent(new ErrorEvent("error", { error, cancelable: true }));
}

Deno.test("captureErrors() logs declared classes by their names, and every other thing as other", async () => {
  await using captured = await captureWith();
  const end = captureErrors(captured.client, OPTIONS);
  class SyncError extends Error {}
  class Sub extends TypeError {}
  for (const thrown of [new SyncError("x"), new Sub("x"), new RangeError("x"), "text", undefined, null]) {
    fail(thrown);
  }
  globalThis.dispatchEvent(
    new PromiseRejectionEvent("unhandledrejection", {
      promise: Promise.resolve(),
      reason: new TypeError("x"),
      cancelable: true,
    }),
  );
  end();
  const names = (await captured.arrived()).map(([, fields]) => (fields as { class: string }).class);
  assertEquals(names.sort(), ["SyncError", "TypeError", "TypeError", "other", "other", "other", "other"]);
});

Deno.test("captureErrors() logs nothing of message and stack", async () => {
  await using captured = await captureWith();
  const end = captureErrors(captured.client, {
    ...OPTIONS,
    fields: { channel: "beta" },
    place: { field: "place", buckets: 16 },
  });
  fail(new TypeError("alice@example.org"));
  end();
  const [[event, fields] = []] = await captured.arrived();
  const { place, ...rest } = fields as { place: number };
  assertEquals([event, rest], ["uncaught_error", { class: "TypeError", channel: "beta" }]);
  assert(Number.isInteger(place) && place >= 0 && place < 16);
});

Deno.test("captureErrors() stops when it is ended, and after 20 errors", async () => {
  await using captured = await captureWith();
  const end = captureErrors(captured.client, OPTIONS);
  for (let errors = 0; errors < 30; errors++) fail(new TypeError());
  end();
  end();
  const ended = captureErrors(captured.client, OPTIONS);
  ended();
  fail(new TypeError());
  assertEquals((await captured.arrived()).length, 20);
});

Deno.test("captureErrors() leaves the host's handlers alone, and throws nothing into it", async () => {
  await using captured = await captureWith();
  const heard: unknown[] = [];
  const handler = globalThis.onerror;
  globalThis.onerror = (message) => void heard.push(message);
  const unfit = { ...OPTIONS, place: { field: "place", buckets: NaN } } as const;
  const ends = [
    captureErrors(captured.client, OPTIONS),
    captureErrors(captured.client, unfit),
    captureErrors(captured.client, undefined as never),
  ];
  try {
    const getters = Object.defineProperty({}, "name", { get: () => fail("never") });
    const hostile = new Proxy({}, { get: () => assert(false), getPrototypeOf: () => assert(false) });
    for (const thrown of [hostile, Object.freeze(getters), new TypeError("x")]) fail(thrown);
    // Both that read it had the getter fail once more.
    assertEquals(heard.length, 5);
  } finally {
    ends.forEach((end) => end());
    globalThis.onerror = handler;
  }
  const all = (await captured.arrived()).map((event) => JSON.stringify(event));
  assert(all.includes('["uncaught_error",{"class":"TypeError"}]'), all.join());
});

/** The fingerprint of an error with this stack. */
function fingerprint(stack: string, message = "m", name = "TypeError", buckets = 256): number {
  return fingerprintOf({ name, thrown: { stack, message }, at: undefined }, buckets);
}

const V8 = (place: string, message = "m") =>
  `TypeError: ${message}\n    at save (${place})\n    at run (x.js:9:9)`;

Deno.test("a fingerprint depends on class and place, not on message, origin, folder or query", () => {
  const one = fingerprint(V8("https://a.example/u/alice/app.js:10:5"));
  assertEquals(one, fingerprint(V8("https://b.example:8000/app.js?user=bob:10:5")));
  assertEquals(one, fingerprint("save@https://a.example/app.js:10:5\nrun@x.js:9:9"));
  const framed = "m\n    at bob (secret.js:1:1)";
  assertEquals(one, fingerprint(V8("https://a.example/app.js:10:5", framed), framed));
  assertNotEquals(one, fingerprint(V8("https://a.example/app.js:10:6")));
  assertNotEquals(one, fingerprint(V8("https://a.example/app.js:10:5"), "m", "RangeError"));
  const at = { filename: "https://a.example/app.js", lineno: 10, colno: 5 };
  assertEquals(one, fingerprintOf({ name: "TypeError", thrown: "text", at }, 256));
});

Deno.test("fingerprints fill their buckets evenly, and no others", () => {
  const counts = new Array<number>(16).fill(0);
  for (let line = 0; line < 1_600; line++) {
    const bucket = fingerprint(V8(`app.js:${line}:${line % 80}`), "m", "TypeError", 16);
    counts[bucket] = (counts[bucket] ?? NaN) + 1;
  }
  assertEquals(counts.length, 16);
  assert(counts.every((count) => count > 50 && count < 150), String(counts));
});

Deno.test("what a browser's extension throws is foreign", () => {
  const thrown = { message: "m", stack: V8("chrome-extension://abcdef/content.js:1:1") };
  assert(isForeign(thrown, undefined));
  assert(isForeign("text", { filename: "moz-extension://abcdef/content.js" }));
  assert(
    !isForeign(
      { message: "chrome-extension://x", stack: V8("app.js:1:1", "chrome-extension://x") },
      undefined,
    ),
  );
  assert(!isForeign(undefined, undefined));
});
