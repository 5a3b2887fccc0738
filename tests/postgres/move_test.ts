/** Moving a deployment from a file to PostgreSQL and back: its tokens live on, and nothing counts twice. */
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { openStore } from "../../boot/open_store.ts";
import { readCopyMark } from "../../core/operations/copy/copy_mark.ts";
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
import { flagsOfTask } from "../support/processes/task_flags.ts";
import { plantCommits } from "../support/store/planted_commits.ts";
import { TOKEN, until, withEndpoint } from "../support/store/with_kv_endpoint.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const sendTo = (url: string): Send => (path, init) => fetch(url + path, init);

function log(token: Token, use: number): RequestInit {
  return signLog(token, { use, body: logBody(token, { events: [{ name: "app_opened", fields: {} }] }) });
}

/** What a copy that comes to its end says on standard error: how far it is, and nothing else. */
const PROGRESS = /^(\r\[#{40}\] (\d+) of \2 rows (copied|compared)\n){2}$/;

Deno.test("a deployment moves from a file to PostgreSQL and back, and serves its old tokens in each place", () =>
  inOnePeriod(DAY_SECONDS, () =>
    withDatabase(async (database) => {
      await using folders = new Folders();
      const folder = await folders.make(demoConfig());
      const port = freePort();
      const variables = { PORT: String(port), DIT_CONFIG: "config.js" };
      await using started = new AsyncDisposableStack();
      const start = async (store: string) =>
        started.use(await startReady({ folder, port, env: { ...variables, DIT_KV: store } }));
      const run = (task: "store" | "audit" | "logs" | "trail", ...args: string[]) =>
        runTask(task, `cli/${task}.ts`, args, folder, variables);
      const day = new Date().toISOString().slice(0, 10);
      const exported = async () => {
        const { code, stdout, stderr } = await run("logs", "export", "--app", "demo", "--day", day);
        assertEquals(code, 0, stderr);
        assertMatch(stderr, /^\d+ records of demo on [-\d]+\.\n$/);
        return stdout.trim().split("\n").toSorted();
      };

      const file = ".dit/kv.sqlite3";
      let service = await start(file);
      const session = { jwt: await signIn(service.url, "alice"), nowSeconds: Date.now() / 1000, app: "demo" };
      const [token, other] = await fetchTokens(sendTo(service.url), session, 2) as [Token, Token];
      const first = log(token, 0);
      for (const request of [first, log(token, 1), log(other, 0)]) {
        await assertAccepted(await sendTo(service.url)(logsPath("demo"), request));
      }
      let records = await exported();
      assertEquals(records.length, 3);
      const used = await run("store", "copy", "--from", file, "--to", database);
      assertEquals([used.code, used.stderr], [1, `Another process uses ${file}: stop it first.\n`]);
      assertEquals((await service.end("SIGTERM")).code, 0);

      let use = 2;
      const steps: [from: string, to: string][] = [[file, database], [database, ".dit/back.sqlite3"]];
      for (const [from, to] of steps) {
        const moved = await run("store", "copy", "--from", from, "--to", to);
        assertEquals(moved.code, 0, moved.stderr);
        assertMatch(moved.stderr, PROGRESS);
        assertMatch(moved.stdout, /^[0-9]+ rows are copied\.$/m);
        assertStringIncludes(moved.stdout, `Nothing is wrong: ${use + 1} claims, ${use + 1} records.`);
        // One may be served: that which was moved is refused, and is not copied again.
        const refused = await startReady({ folder, port, env: { ...variables, DIT_KV: from } }).then(
          () => "it started",
          (error: Error) => error.message,
        );
        assertStringIncludes(refused, "The store was moved");
        const again = await run("store", "copy", "--from", from, "--to", ".dit/other.sqlite3");
        assertEquals(again.code, 1);
        assertStringIncludes(again.stderr, "was moved before");
        const occupied = await run("store", "copy", "--from", from, "--to", to);
        assertEquals(occupied.code, 1);
        assertStringIncludes(occupied.stderr, "has rows of another store");

        service = await start(to);
        const send = sendTo(service.url);
        assertEquals(await exported(), records);
        // A log whose answer was lost is recognised; another one under its use is not accepted.
        await assertAccepted(await send(logsPath("demo"), first), 1, true);
        await assertRefused(await send(logsPath("demo"), log(token, 1)), 409, "use_taken");
        await assertAccepted(await send(logsPath("demo"), log(token, use++)));
        records = await exported();
        assertEquals(records.length, use + 1);
        const audit = await run("audit");
        assertEquals([audit.code, audit.stderr], [0, ""]);
        assertStringIncludes(audit.stdout, `Nothing is wrong: ${use + 1} claims, ${use + 1} records.`);
        const trail = await run("trail");
        assertStringIncludes(trail.stdout, "copy the store from another one");
        assertEquals((await service.end("SIGTERM")).code, 0);
      }
      for (
        const { stdout, stderr } of [service].map((one) => ({ stdout: one.stdout(), stderr: one.stderr() }))
      ) {
        assert(!`${stdout}${stderr}`.includes(database), "the URL was printed");
      }
    })));

Deno.test("a deployment moves from a KV Connect endpoint to PostgreSQL and on to a file, and serves its old tokens in each place", () =>
  inOnePeriod(DAY_SECONDS, () =>
    withEndpoint((endpoint) =>
      withDatabase(async (database) => {
        await using folders = new Folders();
        const folder = await folders.make(demoConfig());
        const port = freePort();
        const env = { PORT: String(port), DIT_CONFIG: "config.js", DENO_KV_ACCESS_TOKEN: TOKEN };
        const start = (store: string) => startReady({ folder, port, env: { ...env, DIT_KV: store } });
        const run = (task: "store" | "audit", ...args: string[]) =>
          runTask(task, `cli/${task}.ts`, args, folder, env);

        let service = await start(endpoint.url);
        try {
          const session = {
            jwt: await signIn(service.url, "alice"),
            nowSeconds: Date.now() / 1000,
            app: "demo",
          };
          const [token, other] = await fetchTokens(sendTo(service.url), session, 2) as [Token, Token];
          const first = log(token, 0);
          // Several in one commit, which is one commit again wherever it goes.
          const together = Array.from({ length: 12 }, (_, use) => log(other, use));
          const answers = await Promise.all(
            [first, ...together].map((request) => sendTo(service.url)(logsPath("demo"), request)),
          );
          for (const answer of answers) await assertAccepted(answer);
          let claims = 13;
          for (
            const [from, to] of [[endpoint.url, database], [database, ".dit/end.sqlite3"]] as [
              string,
              string,
            ][]
          ) {
            assertEquals((await service.end("SIGTERM")).code, 0);
            const moved = await run("store", "copy", "--from", from, "--to", to);
            assertEquals(moved.code, 0, moved.stderr);
            assertMatch(moved.stderr, PROGRESS);
            assertStringIncludes(moved.stdout, `Nothing is wrong: ${claims} claims, ${claims} records.`);
            const refused = await start(from).then(() => "it started", (error: Error) => error.message);
            assertStringIncludes(refused, "The store was moved");
            service = await start(to);
            const send = sendTo(service.url);
            await assertAccepted(await send(logsPath("demo"), first), 1, true);
            await assertRefused(await send(logsPath("demo"), log(other, 3)), 409, "use_taken");
            await assertAccepted(await send(logsPath("demo"), log(token, claims)));
            claims++;
            const audit = await run("audit");
            assertEquals([audit.code, audit.stderr], [0, ""]);
            assertStringIncludes(audit.stdout, `Nothing is wrong: ${claims} claims, ${claims} records.`);
          }
        } finally {
          await service.end("SIGTERM");
        }
      })
    )));

Deno.test("a service that idles on a database that is moved from under it accepts nothing more, and says so", () =>
  inOnePeriod(DAY_SECONDS, () =>
    withDatabase(async (database) => {
      await using folders = new Folders();
      const folder = await folders.make(demoConfig());
      const [port, portOfNext] = [freePort(), freePort()];
      const env = { PORT: String(port), DIT_CONFIG: "config.js", DIT_KV: database };
      await using idle = await startReady({ folder, port, env });
      const session = { jwt: await signIn(idle.url, "alice"), nowSeconds: Date.now() / 1000, app: "demo" };
      const [token] = await fetchTokens(sendTo(idle.url), session, 1) as [Token];
      const first = log(token, 0);
      await assertAccepted(await sendTo(idle.url)(logsPath("demo"), first));
      // Its counters and sketches are written down, and nothing more comes.
      const moved = async () =>
        await runTask(
          "store",
          "cli/store.ts",
          ["copy", "--from", database, "--to", ".dit/to.sqlite3"],
          folder,
          {
            ...env,
          },
        );
      let result = await moved();
      // Had it still something to write down: the source is its own again, and the copy is begun anew.
      while (result.code !== 0) {
        assertStringIncludes(result.stderr, "Somebody wrote to the store of --from meanwhile");
        await Deno.remove(`${folder}/.dit/to.sqlite3`);
        result = await moved();
      }
      const late = log(token, 1);
      const refused = await sendTo(idle.url)(logsPath("demo"), late);
      const problem = await refused.json();
      assertEquals([refused.status, problem.code], [503, "store_unavailable"]);
      assertStringIncludes(problem.detail, "The store was moved");
      const asking = await fetch(`${idle.url}/readyz`);
      assertEquals(asking.status, 503);
      assertStringIncludes((await asking.json()).detail, "The store was moved");
      await assertRejects(() => fetchTokens(sendTo(idle.url), session, 1));
      await using next = await startReady({
        folder,
        port: portOfNext,
        env: { ...env, PORT: String(portOfNext), DIT_KV: ".dit/to.sqlite3" },
      });
      // What was acknowledged is there, what was not is taken.
      await assertAccepted(await sendTo(next.url)(logsPath("demo"), first), 1, true);
      await assertAccepted(await sendTo(next.url)(logsPath("demo"), late));
      const audit = await runTask("audit", "cli/audit.ts", [], folder, {
        ...env,
        PORT: String(portOfNext),
        DIT_KV: ".dit/to.sqlite3",
      });
      assertStringIncludes(audit.stdout, "Nothing is wrong: 2 claims, 2 records.");
    })));

Deno.test("deno task store says what is wrong in a sentence, and repeats no URL", async () => {
  await using folders = new Folders();
  const folder = await folders.make(demoConfig());
  await Deno.writeTextFile(`${folder}/kv.sqlite3`, "");
  const away = `postgres://dit:s3cret@127.0.0.1:${freePort()}/dit`;
  const wrong: [args: string[], sentence: RegExp, code?: number][] = [
    [["move"], /^Unknown subcommand "move": deno task store has copy/, 2],
    [["copy", "--from", "a"], /^--to STORE is missing: deno task store copy --help/, 2],
    [["copy", away, "--to", "a"], /^Unknown word: deno task store copy --help/, 2],
    [[away], /^Unknown subcommand: deno task store has copy/, 2],
    [["copy", "--from", "postgress://dit:s3cret@host/dit", "--to", "a"], /^A store is a path, or a URL /],
    [["copy", "--from", away, "--to", away], /^--from and --to are one store\./],
    [["copy", "--from", "none.sqlite3", "--to", away], /^There is no file none\.sqlite3\./],
    [["copy", "--from", away, "--to", "b.sqlite3"], /^PostgreSQL does not answer/],
  ];
  for (const [args, sentence, expected = 1] of wrong) {
    const { code, stdout, stderr } = await runTask("store", "cli/store.ts", args, folder, {
      DIT_CONFIG: "config.js",
      DIT_ENV: "production",
      DIT_SEAL_KEYS: new Uint8Array(32).toBase64(),
    });
    assertEquals([code, stderr.trim().split("\n").length], [expected, 1], stderr);
    assertMatch(stderr, sentence);
    assert(!`${stdout}${stderr}`.includes("s3cret"), stderr);
  }
});

Deno.test("a copy that is killed is not served, and the same command goes on with it", () =>
  withDatabase(async (database) => {
    await using folders = new Folders();
    const folder = await folders.make(demoConfig());
    const port = freePort();
    const env = { PORT: String(port), DIT_CONFIG: "config.js" };
    const file = `${folder}/.dit/kv.sqlite3`;
    const args = ["copy", "--from", file, "--to", database];
    const service = await startReady({ folder, port, env });
    assertEquals((await service.end("SIGTERM")).code, 0);
    const store = await openStore(file);
    await plantCommits(store, { commits: 8_000, rows: 1, records: 2 });
    store.close();

    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", ...flagsOfTask("store", "cli/store.ts"), `${ROOT}cli/store.ts`, ...args],
      cwd: folder,
      env,
      stdout: "null",
      stderr: "null",
    }).spawn();
    // What it has said in the target of how far it is.
    const reached = async () => {
      const target = await openStore(database, { place: "any" });
      try {
        const mark = await readCopyMark(target);
        return mark?.is === "arriving" ? mark.reached.rows : 0;
      } finally {
        target.close();
      }
    };
    await until(async () => await reached() > 0);
    command.kill("SIGKILL");
    assertEquals((await command.status).signal, "SIGKILL");
    assert(await reached() < 20_000);
    const half = await startReady({ folder, port, env: { ...env, DIT_KV: database } }).then(
      () => "it started",
      (error: Error) => error.message,
    );
    assertStringIncludes(half, "The store is not whole");
    const again = await runTask("store", "cli/store.ts", args, folder, env);
    assertEquals(again.code, 0, again.stderr);
    assertMatch(again.stderr, PROGRESS);
    assertMatch(again.stdout, /^[0-9]+ rows are copied \([1-9][0-9]* of them before the interruption\)\.$/m);
    assertStringIncludes(again.stdout, "Nothing is wrong: 16000 claims, 16000 records.");
  }));
