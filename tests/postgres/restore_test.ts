/** A database that is put back by pg_restore, and mended so that no use, quota or release of before counts again. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { RELEASES } from "../../core/privacy/release/families.ts";
import { openStore } from "../../boot/open_store.ts";
import { assertAccepted, assertRefused } from "../support/http/assert_answers.ts";
import {
  fetchTokens,
  logBody,
  logsPath,
  type Send,
  signLog,
  type Token,
} from "../support/client/protocol_client.ts";
import { withDatabase } from "../support/postgres/databases.ts";
import { freePort } from "../support/processes/free_ports.ts";
import { DAY_SECONDS, inOnePeriod } from "../support/processes/in_one_period.ts";
import { demoConfig, Folders, runTask, signIn, startReady } from "../support/processes/service_process.ts";

const CONFIG = demoConfig({
  releases: { budget: { epsilon: 7 }, queries: { opened: { event: "app_opened", epsilon: 1 } } },
});

const sendTo = (url: string): Send => (path, init) => fetch(url + path, init);

function log(token: Token, use: number): RequestInit {
  return signLog(token, { use, body: logBody(token, { events: [{ name: "app_opened", fields: {} }] }) });
}

async function lastRelease(url: string): Promise<number | null> {
  const store = await openStore(url);
  try {
    return (await store.get<number>(RELEASES.key("demo"))).value;
  } finally {
    store.close();
  }
}

Deno.test("a database that pg_restore puts back is mended in place, and no use, key or release of before lives again", () =>
  inOnePeriod(DAY_SECONDS, () =>
    withDatabase(async (url, cluster) => {
      await using folders = new Folders();
      const folder = await folders.make(CONFIG);
      const port = freePort();
      const env = { PORT: String(port), DIT_CONFIG: "config.js", DIT_KV: url };
      const run = (task: "backup" | "restore" | "audit" | "keys", ...args: string[]) =>
        runTask(task, `cli/${task}.ts`, args, folder, env);
      const database = url.split("/").at(-1)!;

      const service = await startReady({ folder, port, env });
      const session = { jwt: await signIn(service.url, "alice"), nowSeconds: Date.now() / 1000, app: "demo" };
      const [token] = await fetchTokens(sendTo(service.url), session, 1) as [Token];
      await assertAccepted(await sendTo(service.url)(logsPath("demo"), log(token, 0)));

      // The service runs on meanwhile: a dump is of one moment.
      const dump = `${cluster.folder}/${database}.dump`;
      await cluster.program("pg_dump", database, "--format=custom", `--file=${dump}`);
      for (
        const [task, args] of [["backup", ["--to", "x"]], ["restore", ["--from", "x", "--yes"]]] as const
      ) {
        const { code, stderr } = await run(task, ...args);
        assertEquals([code, stderr.trim().split("\n").length], [1, 1]);
        assertMatch(stderr, /such as pg_(?:dump|restore)\b.*\(docs\/postgresql\.md\)\.$/m);
      }
      const spent = log(token, 1);
      await assertAccepted(await sendTo(service.url)(logsPath("demo"), spent));
      assertEquals((await run("keys", "rotate", "--app", "demo")).code, 0);
      assertEquals((await service.end("SIGTERM")).code, 0);

      const putBack = async () => {
        await cluster.sql(`drop database ${database}`);
        await cluster.sql(`create database ${database}`);
        await cluster.program("pg_restore", database, "--exit-on-error", dump);
      };
      // What the audit cannot tell: the use that was redeemed since is accepted again, and so is the key that had ended.
      await putBack();
      const careless = await startReady({ folder, port, env });
      await assertAccepted(await sendTo(careless.url)(logsPath("demo"), log(token, 1)));
      assertStringIncludes((await run("audit")).stdout, "Nothing is wrong: 2 claims, 2 records.");
      assertEquals((await careless.end("SIGTERM")).code, 0);

      await putBack();
      const today = Math.floor(Date.now() / 1000 / DAY_SECONDS);
      const given = `${today}/1`;
      const asked = await run("restore", "--in-place", "--generation", given);
      assertEquals([asked.code, asked.stdout], [1, ""]);
      assertStringIncludes(asked.stderr, `deno task restore --in-place --generation ${given} --yes`);
      const mended = await run("restore", "--in-place", "--generation", given, "--yes");
      assertEquals([mended.code, mended.stderr], [0, ""]);
      assertMatch(
        mended.stdout,
        new RegExp(`^demo: 4 keys ended; .*: ${today}/2, (?:[0-9]+/1(?:, |\\.)){3}$`, "m"),
      );
      assertEquals(await lastRelease(url), today);

      await using again = await startReady({ folder, port, env });
      for (const request of [spent, log(token, 1), log(token, 2)]) {
        await assertRefused(await sendTo(again.url)(logsPath("demo"), request), 401, "key_unknown");
      }
      const [fresh] = await fetchTokens(sendTo(again.url), session, 1) as [Token];
      await assertAccepted(await sendTo(again.url)(logsPath("demo"), log(fresh, 0)));
      const audit = await run("audit");
      assertEquals([audit.code, audit.stderr], [0, ""]);
      assertStringIncludes(audit.stdout, "Nothing is wrong: 2 claims, 2 records.");
    })));
