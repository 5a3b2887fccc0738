import { assert, assertEquals } from "@std/assert";
import { metricLabels, promtool, shippedPath, usesIn } from "./prometheus.ts";

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

async function readPanels(): Promise<readonly Panel[]> {
  return JSON.parse(await Deno.readTextFile(shippedPath("grafana/dashboard.json"))).panels;
}

Deno.test("the dashboard shows every metric and asks for no other, by labels that they have", async () => {
  const labels = metricLabels();
  const shown = new Set<string>();
  for (const { title, targets = [] } of await readPanels()) {
    for (const { expr, legendFormat } of targets) {
      const uses = usesIn(expr);
      assert(uses.length > 0, `${title} asks for nothing of ours`);
      const known = new Set(["instance", "process"]);
      for (const { name, matchers } of uses) {
        shown.add(name);
        assert(labels.has(name), `${title} asks for ${name}`);
        for (const label of labels.get(name) ?? []) known.add(label);
        for (const [label] of matchers) {
          assert(labels.get(name)?.includes(label), `${title}: ${name} by ${label}`);
        }
      }
      for (
        const [, label = ""] of `${legendFormat} ${
          expr.match(/by \((.*?)\)/)?.[1]?.split(", ").map((label) => `{{${label}}}`).join("") ?? ""
        }`.matchAll(/\{\{(\w+)\}\}/g)
      ) {
        assert(known.has(label), `${title} has no ${label}`);
      }
    }
  }
  assertEquals([...shown].toSorted(), [...labels.keys()].toSorted());
});

Deno.test("no two panels of the dashboard lie on each other, and none sticks out", async () => {
  const panels = await readPanels();
  assertEquals(new Set(panels.map(({ id }) => id)).size, panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, cell) => `${x + cell % w} ${y + Math.floor(cell / w)}`)
  );
  assertEquals(new Set(cells).size, cells.length);
  for (const { gridPos: { x, w } } of panels) assert(x + w <= 24);
});

Deno.test("Prometheus understands every query of the dashboard", async () => {
  const queries = (await readPanels()).flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const rules = queries.map((expr, index) => ({
    record: `query:${index}`,
    expr: expr.replaceAll("$__rate_interval", "5m"),
  }));
  const file = await Deno.makeTempFile({ suffix: ".yml" });
  try {
    await Deno.writeTextFile(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    const done = await promtool("check", "rules", file);
    if (done !== undefined) assertEquals(done.code, 0, done.output);
  } finally {
    await Deno.remove(file);
  }
});
