import { assertEquals, assertStringIncludes } from "@std/assert";
import { Histogram } from "../../../core/operations/histogram.ts";
import { DURATIONS, METRICS } from "../../../core/operations/metrics.ts";
import { type Exposition, expositionText, labelsOf } from "../../../core/operations/prometheus.ts";

/** The metrics of a process that is alone. */
const textOf = (exposition: Exposition) => expositionText(new Map([["", exposition]]));

Deno.test("expositionText() writes every metric with its labels, and values as they are", () => {
  const durations = new Histogram(DURATIONS.bounds);
  const text = textOf({
    counts: new Map([
      ["demo", new Map([["requests logs mac_invalid", 3], ["tokens", 12]])],
      ["", new Map([["commits 3-4 ok", 1]])],
    ]),
    durations,
    gauges: [
      { name: "dit_store_up", help: "1 while the store answers.", samples: [{ labels: {}, value: 1 }] },
      { name: "dit_none", help: "Cannot be told here.", samples: [] },
      { name: "dit_two", help: "By app.", samples: [{ labels: { app: "demo" }, value: -0.5 }] },
    ],
  });
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assertEquals(samples, [
    'dit_requests_total{app="demo",route="logs",outcome="mac_invalid"} 3',
    'dit_tokens_issued_total{app="demo"} 12',
    'dit_commits_total{claims="3-4",outcome="ok"} 1',
    "dit_store_up 1",
    'dit_two{app="demo"} -0.5',
  ]);
  assertStringIncludes(text, "# TYPE dit_none gauge\n");
  for (const { name, help } of Object.values(METRICS)) {
    assertStringIncludes(text, `# HELP ${name} ${help}\n# TYPE ${name} counter\n`);
  }
  assertEquals(text.endsWith("\n"), true);
});

Deno.test("expositionText() escapes what a label value may hold", () => {
  const text = textOf({
    counts: new Map([['a"\\\n', new Map([["tokens", 1]])]]),
    durations: new Histogram([]),
    gauges: [],
  });
  assertStringIncludes(text, 'dit_tokens_issued_total{app="a\\"\\\\\\n"} 1\n');
});

Deno.test("labelsOf() names the labels, and no application where there is none", () => {
  assertEquals(labelsOf("demo", "requests logs accepted"), {
    app: "demo",
    route: "logs",
    outcome: "accepted",
  });
  assertEquals(labelsOf("", "commits 1 failed"), { claims: "1", outcome: "failed" });
});

Deno.test("expositionText() writes a histogram with cumulative buckets, a sum and a count", () => {
  const durations = new Histogram([0.1, 1]);
  for (const seconds of [0.05, 0.1, 0.5, 4]) durations.observe("admin", seconds);
  durations.observe("console", 2);
  const text = textOf({ counts: new Map(), durations, gauges: [] });
  assertStringIncludes(text, `# TYPE ${DURATIONS.name} histogram\n`);
  const samples = text.split("\n").filter((line) => line.startsWith(`${DURATIONS.name}_`));
  assertEquals(samples, [
    `${DURATIONS.name}_bucket{route="admin",le="0.1"} 2`,
    `${DURATIONS.name}_bucket{route="admin",le="1"} 3`,
    `${DURATIONS.name}_bucket{route="admin",le="+Inf"} 4`,
    `${DURATIONS.name}_sum{route="admin"} 4.65`,
    `${DURATIONS.name}_count{route="admin"} 4`,
    `${DURATIONS.name}_bucket{route="console",le="0.1"} 0`,
    `${DURATIONS.name}_bucket{route="console",le="1"} 0`,
    `${DURATIONS.name}_bucket{route="console",le="+Inf"} 1`,
    `${DURATIONS.name}_sum{route="console"} 2`,
    `${DURATIONS.name}_count{route="console"} 1`,
  ]);
});

Deno.test("expositionText() tells processes apart, and writes each metric's lines together", () => {
  const part = (tokens: number, waiting: number) => ({
    counts: new Map([["demo", new Map([["tokens", tokens]])]]),
    durations: new Histogram([]),
    gauges: [{ name: "dit_waiting_logs", help: "Waiting.", samples: [{ labels: {}, value: waiting }] }],
  });
  const text = expositionText(new Map([["1", part(3, 0)], ["2", part(4, 5)], ["3", undefined]]));
  const lines = text.split("\n");
  assertEquals(lines.filter((line) => /^dit/.test(line)), [
    'dit_tokens_issued_total{process="1",app="demo"} 3',
    'dit_tokens_issued_total{process="2",app="demo"} 4',
    'dit_waiting_logs{process="1"} 0',
    'dit_waiting_logs{process="2"} 5',
    'dit_process_up{process="1"} 1',
    'dit_process_up{process="2"} 1',
    'dit_process_up{process="3"} 0',
  ]);
  const helps = lines.filter((line) => line.startsWith("# HELP"));
  assertEquals(new Set(helps).size, helps.length);
});
