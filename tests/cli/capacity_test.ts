import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertThrows,
} from "@std/assert";
import { capacityDocument } from "../../cli/capacity_document.ts";
import { COSTS } from "../../cli/capacity_costs.ts";
import { readLoad } from "../../cli/capacity_load.ts";
import { loadPage } from "../../cli/capacity_page.ts";
import { type Load, planCapacity, storesFor, type Target, wallsOf } from "../../cli/capacity_plan.ts";

const ROOT = new URL("../../", import.meta.url);
const TARGETS: Target[] = ["deploy", "denokv", "file"];
const load = (changes: Partial<Load> = {}): Load => ({ ...readLoad([]), ...changes });

Deno.test("readLoad() takes every flag and knows what is usual", () => {
  assertEquals(readLoad(["--clients", "1e9", "--logs=20", "--sample", "0.25", "--peak=1.5"]), {
    clients: 1e9,
    logs: 20,
    events: 1,
    uses: 64,
    batch: 32,
    sample: 0.25,
    regions: 1,
    retention: 30,
    peak: 1.5,
  });
});

Deno.test("readLoad() refuses what makes no sense, in one sentence that says what to give", () => {
  const refused: Record<string, string> = {
    "--clients=many": '--clients is "many": give a whole number from 1 to 10000000000.',
    "--clients=": '--clients is "": give a whole number from 1 to 10000000000.',
    "--logs=0": '--logs is "0": give a whole number from 1 to 100000.',
    "--logs=1.5": '--logs is "1.5": give a whole number from 1 to 100000.',
    "--uses=1025": '--uses is "1025": give a whole number from 1 to 1024.',
    "--batch=-1": '--batch is "-1": give a whole number from 1 to 256.',
    "--sample=2": '--sample is "2": give a number from 0.000001 to 1.',
    "--regions=NaN": '--regions is "NaN": give a whole number from 1 to 1000.',
    "--peak=Infinity": '--peak is "Infinity": give a number from 1 to 100.',
  };
  for (const [flag, sentence] of Object.entries(refused)) {
    assertEquals(assertThrows(() => readLoad([flag]), RangeError).message, sentence);
  }
  for (const args of [["--client=1"], ["1e9"], ["--logs"], ["--write", "--logs=1"]]) {
    assertThrows(() => readLoad(args), RangeError, "Use: deno task capacity [--clients N]");
  }
  assertThrows(() => readLoad(["--logs=2000", "--uses=1"]), RangeError, "give --uses a larger number");
  assertEquals(readLoad(["--logs=1024", "--uses=1"]).uses, 1);
});

Deno.test("planCapacity() counts logs, tokens and requests", () => {
  const { logs, tokens, tokenRequests, tokensPerClient } = planCapacity(
    load({ clients: 1_000, logs: 100, uses: 10, batch: 4, sample: 0.5 }),
    "file",
  );
  assertEquals({ logs, tokens, tokenRequests, tokensPerClient }, {
    logs: 50_000,
    tokens: 5_000,
    tokenRequests: 1_500,
    tokensPerClient: 10,
  });
});

Deno.test("planCapacity() gives the CPU of a day that can be added up by hand", () => {
  // A thousand clients: all tokens fit one process's memory, so each is evaluated once.
  const { cores, evaluations, processes } = planCapacity(load({ clients: 1_000 }), "file");
  assertAlmostEquals(evaluations, 1_000);
  assertEquals(processes, 1);
  const ms = 20_000 * COSTS.logCpuMs.value + 1_000 * COSTS.evaluationCpuMs.value +
    1_000 * (COSTS.tokenRequestCpuMs.value + COSTS.tokenCpuMs.value) + 2_000 * COSTS.documentCpuMs.value;
  assertAlmostEquals(cores, ms / 86_400_000, 1e-12);
});

Deno.test("planCapacity() evaluates again what a process cannot remember, and never more than every log", () => {
  const few = planCapacity(load({ clients: 50_000 }), "file");
  const many = planCapacity(load({ clients: 1_000_000 }), "file");
  assertAlmostEquals(few.evaluations / few.logs, 1 / 20);
  assertAlmostEquals(many.evaluations / many.logs, 1 - 0.95 / 10);
  for (const clients of [1, 1e3, 1e6, 1e9, 1e10]) {
    for (const target of TARGETS) {
      const { evaluations, logs, tokens } = planCapacity(load({ clients }), target);
      assert(evaluations <= logs * (1 + 1e-9) && evaluations >= tokens * (1 - 1e-9), `${clients} ${target}`);
    }
  }
});

Deno.test("planCapacity() keeps groups within what the store takes", () => {
  for (const clients of [1, 1e5, 1e7, 1e10]) {
    for (const [target, most] of [["deploy", 99], ["denokv", 9], ["file", 99]] as const) {
      const { group, commits, logs, tokenRequests } = planCapacity(load({ clients }), target);
      assert(group >= 1 && group <= most, `${target} ${clients}: ${group}`);
      assertAlmostEquals(commits, logs / group + tokenRequests, commits * 1e-9);
    }
  }
  assertEquals(planCapacity(load({ clients: 1e10 }), "denokv").group, 9);
});

Deno.test("planCapacity() grows with every part of the load that costs something", () => {
  for (const target of TARGETS) {
    const before = planCapacity(load(), target);
    const keptLonger = planCapacity(load({ retention: 60 }), target);
    assertGreater(keptLonger.keptBytes, before.keptBytes);
    assertEquals(keptLonger.addedBytes, before.addedBytes);
    assertGreater(planCapacity(load({ uses: 1 }), target).cores, before.cores);
    assertGreater(
      planCapacity(load({ uses: 1, batch: 1 }), target).commits,
      planCapacity(load({ uses: 1 }), target).commits,
    );
    assertLess(planCapacity(load({ sample: 0.1 }), target).bytesUp, before.bytesUp / 9);
    assertGreater(planCapacity(load({ events: 20 }), target).bytesUp, before.bytesUp);
    // Not twice as many: more processes remember more tokens.
    assertGreater(planCapacity(load({ peak: 6 }), target).peakCores, before.peakCores * 1.8);
  }
});

Deno.test("a commit alone pays for a whole write unit, and grouped logs share them", () => {
  const alone = planCapacity(load({ clients: 10 }), "deploy");
  const grouped = planCapacity(load({ clients: 1e8, peak: 1 }), "deploy");
  assertEquals(alone.group, 1);
  assertGreater(alone.writeUnits / alone.logs, 1);
  assertGreater(grouped.group, 1);
  assertLess(grouped.writeUnits / grouped.logs, alone.writeUnits / alone.logs);
});

Deno.test("wallsOf() stands where a resource is used up, and moves with regions", () => {
  for (const target of ["denokv", "file"] as const) {
    const [first, second] = wallsOf(load(), target);
    assertLess(first!.clients, second!.clients);
    const [further] = wallsOf(load({ regions: 4 }), target);
    assertAlmostEquals(further!.clients / first!.clients, 4, 0.2);
  }
  // The disk: a client adds its claims for two days and its records for the retention.
  const disk = wallsOf(load(), "file").find(({ what }) => what.startsWith("disk"))!;
  const { keptBytes } = planCapacity(load({ clients: disk.clients }), "file");
  assertAlmostEquals(keptBytes / COSTS.diskBytes.value, 1, 1e-6);
  assertEquals(wallsOf(load(), "deploy"), []);
});

Deno.test("storesFor() gives as many stores as stay before the wall", () => {
  assertEquals(storesFor(load({ clients: 1_000 }), "file"), 1);
  const { clients } = wallsOf(load(), "file")[0]!;
  assertEquals(storesFor(load({ clients: Math.floor(clients * 10.5) }), "file"), 11);
  assertEquals(storesFor(load(), "deploy"), undefined);
});

Deno.test("every number of the plan says where it comes from", () => {
  for (const [name, { value, what, kind, source }] of Object.entries(COSTS)) {
    assert(value > 0 && what !== "" && source !== "", name);
    if (kind === "measured") assert(/bench:/.test(source), `${name}: ${source}`);
  }
});

Deno.test("the tables of docs/capacity.md are what deno task capacity computes", async () => {
  const text = await Deno.readTextFile(new URL("docs/capacity.md", ROOT));
  assertEquals(text, capacityDocument(text), "Run: deno task capacity --write");
  assert(text.includes(loadPage(readLoad(["--clients", "1e9", "--logs", "20"]))));
  assertThrows(() => capacityDocument("# Capacity"), RangeError, "<!-- million -->");
});

Deno.test("deno task capacity prints the plan, and one sentence for a mistake", async () => {
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "cli/capacity.ts", ...args],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
    }).output();
    return { code, out: new TextDecoder().decode(stdout), error: new TextDecoder().decode(stderr) };
  };
  const { code, out, error } = await run("--clients", "1e9", "--logs", "20");
  assertEquals({ code, error }, { code: 0, error: "" });
  assert(out.startsWith(loadPage(readLoad(["--clients", "1e9", "--logs", "20"]))));
  assertEquals(await run("--uses=0"), {
    code: 1,
    out: "",
    error: '--uses is "0": give a whole number from 1 to 1024.\n',
  });
});
