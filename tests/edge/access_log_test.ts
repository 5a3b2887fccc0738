import { assertEquals } from "@std/assert";
import type { CountedAnswer } from "../../core/operations/counters.ts";
import { Refusal } from "../../core/base/errors.ts";
import { type AccessLine, accessLog, type Answered } from "../../edge/access_log.ts";
import { problemResponse } from "../../edge/http/problem.ts";
import { kindOf } from "../../edge/strip.ts";

interface Told {
  readonly lines: readonly AccessLine[];
  readonly counted: readonly CountedAnswer[];
}

/** What is told of an answer to `path`. */
function told(path: string, response: Response, more: Partial<Answered> = {}): Told {
  const lines: AccessLine[] = [];
  const counted: CountedAnswer[] = [];
  const tellOf = accessLog({
    onAnswer: (line) => lines.push(line),
    count: (answer) => counted.push(answer),
    applications: new Set(["demo"]),
  });
  tellOf({ kind: kindOf(path), method: "POST", path, response, milliseconds: 5, ...more });
  return { lines, counted };
}

Deno.test("accessLog() tells the duration in four steps", () => {
  const steps = [0, 9.99, 10, 99.9, 100, 999, 1_000, 60_000];
  const durations = steps.map((milliseconds) =>
    told("/healthz", new Response(), { milliseconds }).lines.map(({ duration }) => duration)
  );
  assertEquals(durations.flat(), [
    "<10ms",
    "<10ms",
    "<100ms",
    "<100ms",
    "<1s",
    "<1s",
    ">=1s",
    ">=1s",
  ]);
});

Deno.test("accessLog() takes the code off a refusal, and counts by it", () => {
  const response = problemResponse(new Refusal("use_taken", "Taken."));
  const { lines, counted } = told("/v1/apps/demo/logs", response);
  assertEquals(response.headers.has("x-dit-code"), false);
  assertEquals(lines, [{ route: "logs", status: 409, code: "use_taken", duration: "<10ms" }]);
  assertEquals(counted, [{ route: "logs", app: "demo", outcome: "use_taken", duration: "<10ms" }]);
});

Deno.test("accessLog() counts what has no code by what it is", () => {
  const outcomeOf = (path: string, response: Response) =>
    told(path, response).counted.map(({ outcome }) => outcome);
  assertEquals(outcomeOf("/v1/apps/demo/logs", new Response()), ["accepted"]);
  assertEquals(outcomeOf("/v1/apps/demo/logs", new Response("", { headers: { "dit-replayed": "?1" } })), [
    "replayed",
  ]);
  assertEquals(outcomeOf("/v1/apps/demo/logs", new Response("", { status: 409 })), ["refused_elsewhere"]);
  assertEquals(outcomeOf("/v1/apps/demo/keys", new Response()), ["ok"]);
});

Deno.test("accessLog() counts by no application that there is not, and no preflight at all", () => {
  const appOf = (path: string) => told(path, new Response()).counted.map(({ app }) => app);
  assertEquals(appOf("/v1/apps/demo/logs"), ["demo"]);
  assertEquals(appOf("/acs/v1/apps/demo/redeem"), ["demo"]);
  assertEquals(appOf("/v1/apps/alice/logs"), [undefined]);
  assertEquals(appOf("/healthz"), [undefined]);
  const preflight = told("/v1/apps/demo/logs", new Response(), { method: "OPTIONS" });
  assertEquals([preflight.lines.length, preflight.counted], [1, []]);
});

Deno.test("accessLog() counts each log of a batch, and writes nowhere which came together", () => {
  const response = Response.json({}, { headers: { "x-dit-code": "accepted,use_taken,accepted" } });
  const { lines, counted } = told("/v1/apps/demo/logs", response);
  assertEquals(response.headers.has("x-dit-code"), false);
  assertEquals(lines, [{ route: "logs", status: 200, duration: "<10ms" }]);
  assertEquals(
    counted,
    ["accepted", "use_taken", "accepted"].map((outcome) => ({
      route: "logs",
      app: "demo",
      outcome,
      duration: "<10ms",
    })),
  );
});
