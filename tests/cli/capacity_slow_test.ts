import { assertEquals } from "@std/assert";
import { runTask } from "../support/processes/service_process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

Deno.test("the table of docs/capacity.md is what deno task capacity computes", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/capacity.md", import.meta.url));
  const { code, stdout } = await runTask(
    "capacity",
    "cli/capacity.ts",
    ["--clients", "1e9", "--logs", "20"],
    ROOT,
  );
  assertEquals(code, 0);
  for (const line of stdout.trim().split("\n").slice(2)) {
    const [, name = "", figure = ""] = line.split("|").map((cell) => cell.trim());
    const row = page.split("\n").find((other) => other.startsWith(`| ${name} `)) ?? "";
    assertEquals(row.split("|").at(-2)?.trim(), figure, name);
  }
});

Deno.test("deno task capacity says in one sentence what to write instead", async () => {
  const wrong: [string[], string][] = [
    [["--clients", "many"], '--clients is "many": give a whole number from 1 to 10000000000.'],
    [["--logs", "0"], '--logs is "0": give a whole number from 1 to 100000.'],
    [["--users", "1"], 'Unknown option "--users": deno task capacity --help explains it.'],
  ];
  for (const [args, sentence] of wrong) {
    const { code, stderr } = await runTask("capacity", "cli/capacity.ts", args, ROOT);
    assertEquals([code, stderr.trim()], [2, sentence]);
  }
});
