/** Backing up a running service's store, and putting the backup back so that nothing is counted twice. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DitClient } from "../../client/mod.ts";
import { MemoryStorage } from "../../client/storage/memory.ts";
import { RELEASES } from "../../core/privacy/release/families.ts";
import { storeOver } from "../../core/store/deno_kv/open.ts";
import type { Store } from "../../core/store/store.ts";
import { assertAccepted, assertRefused } from "../support/http/assert_answers.ts";
import {
  fetchTokens,
  logBody,
  logsPath,
  type Send,
  signLog,
  type Token,
} from "../support/client/protocol_client.ts";
import { freePort } from "../support/processes/free_ports.ts";
import { DAY_SECONDS, inOnePeriod } from "../support/processes/in_one_period.ts";
import { demoConfig, Folders, runTask, signIn, startReady } from "../support/processes/service_process.ts";

/** A service that answers questions every night, so that a restore has a budget to protect. */
const CONFIG = demoConfig({
  releases: { budget: { epsilon: 7 }, queries: { opened: { event: "app_opened", epsilon: 1 } } },
});

function log(token: Token, use: number): RequestInit {
  return signLog(token, {
    use,
    body: logBody(token, { events: [{ name: "app_opened", fields: {} }] }),
  });
}

const sendTo = (url: string): Send => (path, init) => fetch(url + path, init);

function lastRelease(folder: string): Promise<number | null> {
  return inStore(folder, async (store) => (await store.get<number>(RELEASES.key("demo"))).value);
}

async function inStore<T>(folder: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = storeOver(await Deno.openKv(`${folder}/.dit/kv.sqlite3`));
  try {
    return await work(store);
  } finally {
    store.close();
  }
}

/** What a backup that is only copied does: the use that was claimed since is accepted again, and no audit can tell. */
async function assertCountsTwice(
  elsewhere: string,
  { folder, backup, port, env, token }: {
    folder: string;
    backup: string;
    port: number;
    env: Record<string, string>;
    token: Token;
  },
): Promise<void> {
  await Deno.mkdir(`${elsewhere}/.dit`);
  await Deno.copyFile(backup, `${elsewhere}/.dit/kv.sqlite3`);
  for (const secret of ["seal_key", "admin_token"]) {
    await Deno.copyFile(`${folder}/.dit/${secret}`, `${elsewhere}/.dit/${secret}`);
  }
  await using service = await startReady({ folder: elsewhere, port, env });
  await assertAccepted(await sendTo(service.url)(logsPath("demo"), log(token, 1)));
  const audit = await runTask("audit", "cli/audit.ts", [], elsewhere, env);
  assertEquals(audit.code, 0);
  assertStringIncludes(audit.stdout, "Nothing is wrong: 3 claims, 3 records.");
}

// At midnight (UTC) there is a key more, and another today.
Deno.test("A backup of a running service is put back, and no use, quota or release of before counts again", () =>
  inOnePeriod(DAY_SECONDS, async () => {
    await using folders = new Folders();
    const folder = await folders.make(CONFIG);
    const port = freePort();
    const env = { PORT: String(port), DIT_CONFIG: "config.js" };
    const run = (task: "backup" | "restore" | "audit" | "keys", ...args: string[]) =>
      runTask(task, `cli/${task}.ts`, args, folder, env);
    await using started = new AsyncDisposableStack();
    const start = async () => started.use(await startReady({ folder, port, env }));

    let service = await start();
    const storage = new MemoryStorage();
    const client = () =>
      new DitClient({
        endpoint: service.url,
        app: "demo",
        storage,
        session: async () => await signIn(service.url, "bob"),
      });
    const reports: string[] = [];
    const logOnce = async () => {
      const bob = client();
      bob.on("refused", ({ step, code }) => reports.push(`${step}: ${code}`));
      bob.on("sent", () => reports.push("sent"));
      bob.log("app_opened", {});
      await bob.flush();
      await bob.close();
    };
    const session = { jwt: await signIn(service.url, "alice"), nowSeconds: Date.now() / 1000, app: "demo" };
    const [token] = await fetchTokens(sendTo(service.url), session, 1) as [Token];
    await assertAccepted(await sendTo(service.url)(logsPath("demo"), log(token, 0)));
    await logOnce();

    const backup = `${folder}/backup.sqlite3`;
    const made = await run("backup", "--to", backup);
    assertEquals([made.code, made.stderr], [0, ""]);
    assertEquals((await Deno.stat(backup)).mode! & 0o777, 0o600);
    const second = await run("backup", "--to", backup);
    assertEquals([second.code, second.stderr], [1, `${backup} is there already: name another file.\n`]);

    // After the backup: a use is claimed and the key replaced; a client sees its next generation.
    const spent = log(token, 1);
    await assertAccepted(await sendTo(service.url)(logsPath("demo"), spent));
    assertEquals((await run("keys", "rotate", "--app", "demo")).code, 0);
    await logOnce();
    const asked = await run("restore", "--from", backup);
    assertEquals([asked.code, asked.stdout], [1, ""]);
    assertEquals(
      asked.stderr,
      `This puts ${backup} in the place of .dit/kv.sqlite3, which will lie in .dit/kv.sqlite3.replaced, and ends ` +
        `the keys that the backup has; to do it: deno task restore --from ${backup} --yes\n`,
    );
    const used = await run("restore", "--from", backup, "--yes");
    assertEquals([used.code, used.stderr], [1, "Another process uses .dit/kv.sqlite3: stop it first.\n"]);

    assertEquals((await service.end("SIGKILL")).signal, "SIGKILL");
    await assertCountsTwice(await folders.make(CONFIG), { folder, backup, port, env, token });

    const today = Math.floor(Date.now() / 1000 / DAY_SECONDS);
    // A generation of every epoch would leave clients without tokens for days.
    const ofAll = await run("restore", "--from", backup, "--generation", "1", "--yes");
    assertEquals([ofAll.code, ofAll.stderr.split(":")[0]], [
      1,
      "Write the epoch and the generation of each key_made since the backup, such as --generation 20786/1",
    ]);
    const without = ["restore", "--from", backup, "--generation", `demo:${today}/2`, "--yes"] as const;
    const closed = await run(...without);
    assertEquals([closed.code, closed.stdout], [1, ""]);
    assertEquals(
      closed.stderr,
      `Clients accept 2 replacements an epoch: those of demo would get no tokens in ${today}. Nothing was mended. To ` +
        "have it so, add --even-without-tokens.\n",
    );
    const restored = await run("restore", "--from", backup, "--generation", `${today}/1`, "--yes");
    assertEquals([restored.code, restored.stderr], [0, ""]);
    assertMatch(
      restored.stdout,
      new RegExp(`^demo: 4 keys ended; .*: ${today}/2, (?:[0-9]+/1(?:, |\\.)){3}$`, "m"),
    );
    assertEquals(await lastRelease(folder), today);

    service = await start();
    // What was claimed before or after the backup is refused, and so is what was never claimed.
    for (const request of [spent, log(token, 1), log(token, 2)]) {
      await assertRefused(await sendTo(service.url)(logsPath("demo"), request), 401, "key_unknown");
    }
    // A client that saw the names of before gets a token and goes on.
    reports.length = 0;
    await logOnce();
    assertEquals(reports.at(-1), "sent");
    assert(!reports.includes("directory: key_changed"), reports.join());
    const audit = await run("audit");
    assertEquals([audit.code, audit.stderr], [0, ""]);
    assertStringIncludes(audit.stdout, "Nothing is wrong: 3 claims, 3 records.");
    assertEquals((await service.end("SIGTERM")).code, 0);

    // What was there before the restore was put aside, and is not overwritten by another one.
    const again = await run("restore", "--from", backup, "--yes");
    assertEquals(again.code, 1);
    assertMatch(again.stderr, /^\.dit\/kv\.sqlite3\.replaced is left of an earlier restore: .*\n$/);
  }));

Deno.test("deno task restore changes nothing when the backup is none, or lies under another sealing key", async () => {
  await using folders = new Folders();
  const folder = await folders.make(demoConfig());
  const elsewhere = await folders.make(demoConfig());
  const port = freePort();
  const env = { PORT: String(port), DIT_CONFIG: "config.js" };
  for (const place of [elsewhere, folder]) {
    const service = await startReady({ folder: place, port, env });
    assertEquals((await service.end("SIGTERM")).code, 0);
  }
  const read = () => Deno.readFile(`${folder}/.dit/kv.sqlite3`);
  const before = await read();
  const restore = (...args: string[]) => runTask("restore", "cli/restore.ts", args, folder, env);
  await Deno.writeTextFile(`${folder}/text`, "This is no database.".repeat(1_000));
  const refused: [args: string[], sentence: RegExp][] = [
    [[], /^Give either --from FILE or --in-place: /],
    [["--from", `${folder}/none`], /^There is no file /],
    [["--from", `${folder}/text`], /^The backup is no whole SQLite file: /],
    [["--from", `${elsewhere}/.dit/kv.sqlite3`], /DIT_SEAL_KEYS/],
  ];
  for (const [args, sentence] of refused) {
    const { code, stderr } = await restore(...args, "--yes");
    assertEquals(code, args.length === 0 ? 2 : 1);
    assertMatch(stderr, sentence);
    assert(!stderr.includes("    at "), stderr);
    assertEquals(await read(), before);
    const left = await Array.fromAsync(Deno.readDir(`${folder}/.dit`), ({ name }) => name);
    assertEquals(left.filter((name) => name.includes("restoring")), []);
  }
});
