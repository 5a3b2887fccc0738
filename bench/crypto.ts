/**
 * The curve arithmetic of the service beside what others would use: `deno task bench:crypto`. Every implementation
 * runs in a process of its own and they take turns, so that a noisy machine hurts all alike; a ratio is the median of
 * the ratios of single rounds. `--rounds=N` (default 25), `--write` (docs/measurements.md).
 *
 * @module
 */
import { compileNative } from "./contenders/native.ts";
import { ContenderProcess, type Launch } from "./contenders/process.ts";
import { Rounds } from "./contenders/rounds.ts";
import { Report } from "./report.ts";
import { markdownTable } from "./statistics.ts";

const here = new URL("./", import.meta.url);
const own = (script: string): Launch => ({ command: Deno.execPath(), args: ["run", script], cwd: here });
const peer = (script: string): Launch => ({
  command: Deno.execPath(),
  args: ["run", "--allow-read", "--allow-env", script],
  cwd: new URL("peers/", here),
});

const build = await Deno.makeTempDir({ prefix: "dit-bench-" });

const launches: Record<string, () => Launch | Promise<Launch>> = {
  "noble": () => own("contenders/noble.ts"),
  "kernel": () => own("contenders/kernel.ts"),
  "sodium": () => own("contenders/sodium.ts"),
  "voprf-ts": () => peer("voprf_ts.ts"),
  "native": () => compileNative(build),
  "noble P-384": () => own("contenders/noble_p384.ts"),
  "privacypass-ts": () => peer("privacypass_ts.ts"),
  "node:crypto": () => own("contenders/node.ts"),
};

/** Which ones have to give the same output for the same key and input. */
const agreements: Record<string, string> = {
  "kernel": "noble",
  "sodium": "noble",
  "voprf-ts": "noble",
  "native": "noble",
  "privacypass-ts": "noble P-384",
};

const operations = [
  "blind 30",
  "issue 1",
  "issue 30",
  "issue 100",
  "finalize 30",
  "redeem 1",
  "redeem 2",
  "redeem 8",
];
const composites = [1, 4, 16, 30, 64, 100].map((batch) => `composite ${batch}`);
const primitives = ["multiply 1", "map 1", "add 1", "sha512 1"];

const processes = new Map<string, ContenderProcess>();
const absent: string[] = [];
const checks = new Map<string, string>();
for (const [name, launch] of Object.entries(launches)) {
  try {
    const { contender, check } = await ContenderProcess.start(await launch());
    processes.set(name, contender);
    checks.set(name, check);
  } catch (error) {
    absent.push(`${name} is not in the tables: ${(error as Error).message}`);
  }
}
for (const [name, reference] of Object.entries(agreements)) {
  if (processes.has(name) && checks.get(name) !== checks.get(reference)) {
    throw new Error(`${name} computes something else than ${reference}`);
  }
}

const count = Number(Deno.args.find((arg) => arg.startsWith("--rounds="))?.slice("--rounds=".length) ?? 25);
const report = new Report("bench:crypto", `${count} rounds, medians`);
const rounds = await Rounds.measure(processes, [...operations, ...composites, ...primitives], count);
for (const contender of processes.values()) await contender.stop();
await Deno.remove(build, { recursive: true });

const fixed = (number: number | undefined, digits: number) => number?.toFixed(digits) ?? "-";
const times = (operation: string, names: string[], digits = 0) =>
  names.map((name) => fixed(rounds.time(operation, name), digits));
const factor = (operation: string, slow: string, fast: string) => {
  const ratio = rounds.ratio(operation, slow, fast);
  return ratio === undefined ? "-" : `${ratio.toFixed(2)} x`;
};

report.say("ristretto255-SHA512, us a token:");
report.say(markdownTable(
  [
    "operation, batch",
    "noble",
    "sodium",
    "kernel",
    "voprf-ts",
    "native",
    "noble / kernel",
    "sodium / kernel",
    "voprf-ts / kernel",
    "kernel / native",
  ],
  operations.map((operation) => [
    operation,
    ...times(operation, ["noble", "sodium", "kernel", "voprf-ts", "native"]),
    factor(operation, "noble", "kernel"),
    factor(operation, "sodium", "kernel"),
    factor(operation, "voprf-ts", "kernel"),
    factor(operation, "kernel", "native"),
  ]),
));

report.say(
  "P384-SHA384, us a token (privacypass-ts has privately verifiable tokens for this suite only, one a request):",
);
report.say(markdownTable(
  ["operation, batch", "noble P-384", "privacypass-ts", "privacypass-ts / noble"],
  operations.map((operation) => [
    operation,
    ...times(operation, ["noble P-384", "privacypass-ts"]),
    factor(operation, "privacypass-ts", "noble P-384"),
  ]),
));

report.say(
  "A weighted sum of elements (a half of a proof), us an element: multi-scalar code or one by one:",
);
report.say(markdownTable(
  ["elements", "noble, multi-scalar", "sodium, one by one", "kernel, multi-scalar", "sodium / kernel"],
  composites.map((operation) => [
    operation.split(" ")[1]!,
    ...times(operation, ["noble", "sodium", "kernel"]),
    factor(operation, "sodium", "kernel"),
  ]),
));

report.say(
  "What a token is made of, us: a multiplication, the map to the group, an addition, SHA-512 of 290 bytes:",
);
const parts = ["noble", "sodium", "kernel", "node:crypto"];
report.say(markdownTable(
  ["primitive", ...parts],
  primitives.map((operation) => [operation.split(" ")[0]!, ...times(operation, parts, 1)]),
));

for (const line of absent) report.say(line);

type Target = [name: string, measured: number | undefined, bound: "at least" | "at most", wanted: number];
const targets: Target[] = [
  ["redeem 8 over native", rounds.ratio("redeem 8", "kernel", "native"), "at most", 0.7],
  ["redeem, noble over it", rounds.ratio("redeem 1", "noble", "kernel"), "at least", 5],
  ["issue 30, sodium over it", rounds.ratio("issue 30", "sodium", "kernel"), "at least", 4],
  ["finalize 30, noble over it", rounds.ratio("finalize 30", "noble", "kernel"), "at least", 5],
];
const evaluation = rounds.ratio("redeem 8", "kernel", "native");
if (evaluation !== undefined) {
  report.figure("evaluation over native libsodium, batch of 8", evaluation, 2);
}
report.say("Targets:");
report.say(markdownTable(
  ["target", "wanted", "measured", "met"],
  targets.map(([name, measured, bound, wanted]) => [
    name,
    `${bound} ${wanted}`,
    fixed(measured, 2),
    measured === undefined
      ? "-"
      : (bound === "at least" ? measured >= wanted : measured <= wanted)
      ? "yes"
      : "no",
  ]),
));
await report.keep();
