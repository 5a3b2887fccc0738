import { assertEquals, assertStringIncludes } from "@std/assert";
import { METRICS } from "../../../core/operations/metrics.ts";
import { labelsOf, prometheusText } from "../../../core/operations/prometheus.ts";

Deno.test("prometheusText() writes every metric with its labels, and values as they are", () => {
  const text = prometheusText(
    new Map([
      ["demo", new Map([["requests logs mac_invalid", 3], ["tokens", 12]])],
      ["", new Map([["commits 3-4 ok", 1]])],
    ]),
    [{ name: "dit_store_up", help: "1 while the store answers.", value: 1 }],
  );
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assertEquals(samples, [
    'dit_requests_total{app="demo",route="logs",outcome="mac_invalid"} 3',
    'dit_tokens_issued_total{app="demo"} 12',
    'dit_commits_total{claims="3-4",outcome="ok"} 1',
    "dit_store_up 1",
  ]);
  for (const { name, help } of Object.values(METRICS)) {
    assertStringIncludes(text, `# HELP ${name} ${help}\n# TYPE ${name} counter\n`);
  }
  assertEquals(text.endsWith("\n"), true);
});

Deno.test("prometheusText() escapes what a label value may hold", () => {
  const text = prometheusText(new Map([['a"\\\n', new Map([["tokens", 1]])]]), []);
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
