import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { freePort } from "../support/processes/free_ports.ts";
import { DAY_SECONDS, inOnePeriod } from "../support/processes/in_one_period.ts";
import { Folders, runTask, startReady } from "../support/processes/service_process.ts";

const dayAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

Deno.test("deno task release says what an answer costs, asks for it, and verifies what was answered", () =>
  inOnePeriod(DAY_SECONDS, async () => {
    await using folders = new Folders();
    const folder = await folders.make();
    const port = freePort();
    const env = { PORT: String(port) };
    const release = (args: string) => runTask("release", "cli/release.ts", args.split(" "), folder, env);
    const service = await startReady({ folder, port });
    try {
      const today = dayAgo(0);
      const asked = await release(`--app demo --day ${today} --early`);
      assertEquals(asked.code, 1, asked.stderr);
      assertMatch(
        asked.stdout,
        /^demo, [0-9-]+: to answer [a-z_, ]+ costs epsilon [0-9.]+; epsilon 7 of epsilon 7 is left for [0-9-]+ to [0-9-]+\.\n/,
      );
      assertStringIncludes(asked.stdout, `${today} is not over: what comes later today is in no release.`);
      assertEquals(
        asked.stderr.trim(),
        "Nobody is there to be asked: say --yes to answer it. Nothing was answered.",
      );
      // Nobody had a key then, and so nobody's budget is spent on noise.
      const before = await release(`--app demo --day ${dayAgo(3)} --yes`);
      assertEquals([before.code, before.stdout], [1, ""]);
      assertMatch(
        before.stderr,
        /^demo has had no key before [0-9-]+, and so no logs of [0-9-]+: nothing was answered\.\n$/,
      );
      // A day that is not over costs nothing where nobody asks for it early.
      const waiting = await release(`--app demo --day ${today}`);
      assertEquals([waiting.code, waiting.stderr], [0, ""]);
      assertStringIncludes(waiting.stdout, "not over");

      const answered = await release(`--app demo --day ${today} --early --yes`);
      assertEquals([answered.code, answered.stderr], [0, ""], answered.stdout);
      assertStringIncludes(answered.stdout, "published");
      const again = await release(`--app demo --day ${today} --early`);
      assertEquals([again.code, again.stderr], [0, ""]);
      assert(!again.stdout.includes("costs"), again.stdout);

      const verified = await release(`verify --app demo --day ${today}`);
      assertEquals([verified.code, verified.stderr], [0, ""], verified.stdout);
      assertMatch(verified.stdout, /^demo, [0-9-]+, [a-z_]+: holds \(/);

      const token = (await Deno.readTextFile(`${folder}/.dit/admin_token`)).trim();
      const ask = async (path: string) =>
        await (await fetch(`${service.url}/admin/v1/${path}`, {
          headers: { authorization: `Bearer ${token}` },
        }))
          .text();
      const releases = await ask("apps/demo/releases");
      await Deno.writeTextFile(`${folder}/trail.ndjson`, await ask("trail.ndjson"));
      await Deno.writeTextFile(`${folder}/releases.json`, releases);
      const files = (name: string) => release(`verify --file ${name} --trail trail.ndjson`);
      assertEquals((await files("releases.json")).code, 0);
      await Deno.writeTextFile(
        `${folder}/changed.json`,
        releases.replaceAll('"threshold":10,"cost"', '"threshold":1,"cost"'),
      );
      const changed = await files("changed.json");
      assertEquals(changed.code, 3, changed.stdout);
      assertStringIncludes(changed.stdout, "threshold is 1, and has to be 10.");
      const unreadable = await files("nowhere.json");
      assertEquals([unreadable.code, unreadable.stdout], [1, ""]);
      assertMatch(unreadable.stderr, /^nowhere\.json cannot be read/);
    } finally {
      assertEquals((await service.end("SIGTERM")).code, 0);
    }
  }));
