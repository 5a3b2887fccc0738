import { assert, assertEquals, assertMatch } from "@std/assert";
import { DAY_SECONDS, inOnePeriod } from "../support/processes/in_one_period.ts";
import { launch, PRODUCTION } from "../support/processes/launched.ts";
import { demoConfig, Folders } from "../support/processes/service_process.ts";
import { keptEnvironment } from "../support/processes/running_service.ts";

const ROOT = new URL("../../", import.meta.url);

/** Runs a scenario as `deno task demo` does, in a folder of its own for what development writes. */
async function run(...args: string[]): Promise<{ code: number; text: string }> {
  const cwd = await Deno.makeTempDir();
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--allow-net=127.0.0.1,localhost",
        "--allow-run",
        "--allow-env",
        `--allow-read=.,${ROOT.pathname}`,
        `--config=${new URL("deno.json", ROOT).pathname}`,
        new URL("cli/demo/demo.ts", ROOT).pathname,
        ...args,
      ],
      cwd,
      clearEnv: true,
      env: { ...keptEnvironment(), NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

Deno.test("the demo says in a sentence that a service in production signs nobody in for it", async () => {
  await using folders = new Folders();
  const folder = await folders.make(demoConfig());
  await using service = launch(folder, { ...PRODUCTION, DIT_CONFIG: "config.js", DIT_KV: "kv.sqlite3" });
  await service.ready();
  for (const scenario of [[], ["--scenario", "leak"], ["--scenario", "crash-by-version"]]) {
    const { code, text } = await run("--endpoint", service.url, ...scenario);
    assertEquals(code, 1, text);
    assertMatch(text, /^The service at \S+ signs nobody in for the demo, .* deno task dev .*\.$/m);
    assert(!text.includes("session_invalid"), text);
  }
});

Deno.test("the scenario crash-by-version prints truth, released figure and interval side by side", () =>
  inOnePeriod(DAY_SECONDS, async () => {
    const { code, text } = await run("--scenario", "crash-by-version", "--clients", "150");
    assertEquals(code, 0, text);
    assertMatch(text, /^version +truth +released +95 % interval +covers it$/m);
    // Of 150 clients some two in five are on 3.0 and 2.0, and a tenth to a third of them crash.
    const rows = [
      ...text.matchAll(/^(\d\.\d) +(\d+) +(-?\d+|below \d+)(?: +(\d+) \.\. (\d+) +(yes|no))? *$/gm),
    ];
    assertEquals(rows.map(([, version]) => version), ["3.1", "3.0", "2.4", "2.3", "2.0", "1.4", "1.0"]);
    for (const [, , truth, released, lower, upper, covered] of rows) {
      if (lower === undefined) continue;
      assertEquals(covered === "yes", Number(lower) <= Number(truth) && Number(truth) <= Number(upper));
      // Noise of scale 2 is off by 50 once in seventy thousand million times.
      assert(Math.abs(Number(released) - Number(truth)) <= 50, text);
    }
    // The rate of those who ran the version, of the same answer and at no further cost.
    const rates = [
      ...text.matchAll(/^(\d\.\d) +([\d.]+) % +([\d.]+) % +([\d.]+) \.\. ([\d.]+) % +(yes|no) *$/gm),
    ];
    // Some forty people on a version are always shown; whether fewer are depends on the noise.
    assert(rates.length >= 1, text);
    for (const [, , truth, , lower, upper, covered] of rates) {
      const [least, true_, most] = [lower, truth, upper].map(Number) as [number, number, number];
      // To within what is printed.
      if (covered === "yes") assert(least - 0.1 <= true_ && true_ <= most + 0.1, text);
    }
    assertMatch(text, /This has cost 1 of epsilon; 6 is left until \d{4}-\d\d-\d\d\./);
  }));

Deno.test("the scenario leak shows the alarm and the stop", () =>
  inOnePeriod(DAY_SECONDS, async () => {
    const { code, text } = await run("--scenario", "leak");
    assertEquals(code, 0, text);
    assertMatch(text, /demo: volume_changed \(level\) singles people out: level is not collected any more/);
    assertMatch(text, /"level": \{"type":"integer","min":0,"max":65535,"suppressed":true\}/);
    assertMatch(text, /0 of their positions were stored; 100 of their events arrived without\./);
    assertMatch(
      text,
      /demo: what a pseudonym says in total, .* singles people out; nothing is stopped, as configured/,
    );
  }));

Deno.test("an unknown scenario is explained", async () => {
  const { code, text } = await run("--scenario", "everything");
  assertEquals(code, 2);
  assertMatch(text, /--scenario crash-by-version/);
});
