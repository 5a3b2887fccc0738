/** What everybody is shown is written to files, served by another party, and held against what one client is shown. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DitClient } from "../../client/mod.ts";
import { fromBase64url, toBase64url } from "../../core/base/bytes.ts";
import { keyLeaf, nextLink } from "../../core/token/key_chain.ts";
import { digestBody } from "../../core/token/mac.ts";
import { nobleRistretto255 } from "../../core/voprf/noble.ts";
import { freePort } from "../support/processes/free_ports.ts";
import { DAY_SECONDS, inOnePeriod } from "../support/processes/in_one_period.ts";
import { demoConfig, Folders, runTask, signIn, startReady } from "../support/processes/service_process.ts";

/** Any host of files. */
function serveFiles(folder: string): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const name = new URL(request.url).pathname.slice(1);
    try {
      return new Response(await Deno.readFile(`${folder}/${name}`));
    } catch {
      return new Response("", { status: 404 });
    }
  });
}

const randomOf = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** The directory with a key that only one client is shown: the newest, under the right name and with the right link. */
function withKeyOfItsOwn(text: string): string {
  const directory = JSON.parse(text);
  const keys = directory["token-keys"];
  const [before, last] = keys.slice(-2);
  const { publicKey } = nobleRistretto255.generateKeyPair(randomOf);
  const leaf = keyLeaf(directory.app, {
    tokenType: 5,
    publicKey: toBase64url(publicKey),
    region: last.region,
    epoch: last.epoch,
    generation: last.generation,
    notBefore: last["not-before"],
    issueUntil: last["issue-until"],
    redeemUntil: last["redeem-until"],
  });
  last["token-key"] = toBase64url(publicKey);
  last["token-key-id"] = toBase64url(digestBody(publicKey));
  last.chain = toBase64url(nextLink(fromBase64url(before.chain, 32), leaf));
  return JSON.stringify(directory);
}

/** The service, but that it shows whoever comes here a key of their own. */
function serveLies(service: string): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const answer = await fetch(service + pathname, {
      method: request.method,
      headers: request.headers,
      body: request.body === null ? null : await request.bytes(),
    });
    if (!pathname.endsWith("/keys")) return answer;
    const body = new TextEncoder().encode(withKeyOfItsOwn(await answer.text()));
    return new Response(body, { headers: { etag: `"${toBase64url(digestBody(body))}"` } });
  });
}

const urlOf = ({ addr: { port } }: Deno.HttpServer<Deno.NetAddr>) => `http://127.0.0.1:${port}`;

/** What a client that was never here before is told as it logs once. */
async function logOnce(
  { endpoint, signInAt, keyPin, mirror }: {
    readonly endpoint: string;
    readonly signInAt: string;
    readonly keyPin: string | undefined;
    readonly mirror?: string | undefined;
  },
): Promise<string[]> {
  const client = new DitClient({
    endpoint,
    app: "demo",
    session: async () => await signIn(signInAt, "alice"),
    keyPin,
    mirror,
  });
  const told = new Set<string>();
  client.on("refused", ({ step, code }) => told.add(`${step} ${code}`));
  client.on("sent", ({ events }) => told.add(`sent ${events}`));
  client.log("app_opened", {});
  await client.flush();
  await client.close();
  return [...told];
}

Deno.test("a client with a mirror of files and a pin logs, and takes no key of its own", () =>
  inOnePeriod(DAY_SECONDS, async () => {
    await using folders = new Folders();
    const folder = await folders.make(demoConfig());
    const out = `${folder}/public`;
    const port = freePort();
    const env = { PORT: String(port), DIT_CONFIG: "config.js" };
    await using service = await startReady({ folder, port, env });
    const keys = (...args: string[]) => runTask("keys", "cli/keys.ts", args, folder, env);
    const publish = (...args: string[]) => keys("publish", "--app", "demo", "--out", out, ...args);

    const published = await publish();
    assertEquals([published.code, published.stderr], [0, ""]);
    for (const name of ["schema", "keys", "history"]) {
      const path = name === "history" ? "keys/history" : name;
      const served = await (await fetch(`${service.url}/v1/apps/demo/${path}`)).bytes();
      assertEquals(await Deno.readFile(`${out}/${name}.json`), served);
    }
    const sums = await Deno.readTextFile(`${out}/SHA256SUMS`);
    assertStringIncludes(published.stdout, sums);
    const check = await new Deno.Command("sha256sum", { args: ["--check", "SHA256SUMS"], cwd: out }).output();
    assertEquals(check.code, 0);
    const pin = /^keyPin of region local: (\S{43})$/m.exec(published.stdout)?.[1];
    assert(pin !== undefined);

    await using files = serveFiles(out);
    await using lies = serveLies(service.url);
    const logAt = (endpoint: string, keyPin: string | undefined, mirror: string | undefined) =>
      logOnce({ endpoint, signInAt: service.url, keyPin, mirror });
    const mirror = `${urlOf(files)}/keys.json`;
    assertEquals(await logAt(service.url, pin, mirror), ["sent 1"]);
    assertEquals(await logAt(urlOf(lies), undefined, mirror), ["directory mirror_conflict"]);
    assertEquals(await logAt(urlOf(lies), pin, undefined), ["directory not_pinned"]);

    // The key is replaced: a mirror of before lacks it, and the pin leads to it.
    assertEquals((await keys("rotate", "--app", "demo")).code, 0);
    assertEquals(await logAt(service.url, pin, mirror), ["directory mirror_lacks_key"]);
    assertEquals(await logAt(service.url, pin, undefined), ["sent 1"]);
    assertEquals((await publish()).code, 0);
    assertEquals(await logAt(service.url, pin, mirror), ["sent 1"]);

    // Whoever publishes is a witness too.
    const refused = await publish("--from", urlOf(lies));
    assertEquals([refused.code, refused.stdout], [1, ""]);
    assertMatch(refused.stderr, /^The history does not have the key [0-9]+\/0 of the directory/);
    assertEquals(
      (await keys("publish", "--app", "demo")).stderr,
      "--out DIR is missing: deno task keys publish --help explains it.\n",
    );
  }));

Deno.test("deno task keys publish keeps what was published, and the evidence, when the chain forks", () =>
  inOnePeriod(DAY_SECONDS, async () => {
    await using folders = new Folders();
    const out = `${await folders.make(demoConfig())}/public`;
    const codes: unknown[] = [];
    // Two services with one name: the second shows another chain under the numbers of the first.
    for (let service = 0; service < 2; service++) {
      const folder = await folders.make(demoConfig());
      const port = freePort();
      const env = { PORT: String(port), DIT_CONFIG: "config.js" };
      await using _running = await startReady({ folder, port, env });
      const { code, stderr } = await runTask(
        "keys",
        "cli/keys.ts",
        ["publish", "--app", "demo", "--out", out],
        folder,
        env,
      );
      codes.push([code, stderr.split(/ [0-9]/)[0]]);
    }
    assertEquals(codes, [[0, ""], [1, "The service shows another key"]]);
    const [evidence] = await Array.fromAsync(Deno.readDir(`${out}.evidence`));
    const [kept, shown] = await Promise.all(
      [out, `${out}.evidence/${evidence?.name}/shown`].map(async (folder) =>
        JSON.parse(await Deno.readTextFile(`${folder}/history.json`))
      ),
    );
    assertEquals(kept.first, shown.first);
    assert(kept.leaves !== shown.leaves);
  }));

Deno.test("a store that was put back goes on with the chain that was published, and says where it could not", () =>
  inOnePeriod(DAY_SECONDS, async () => {
    await using folders = new Folders();
    const folder = await folders.make(demoConfig());
    const port = freePort();
    const env = { PORT: String(port), DIT_CONFIG: "config.js" };
    const attempt = (task: "backup" | "keys" | "restore", ...args: string[]) =>
      runTask(task, `cli/${task}.ts`, args, folder, env);
    const run = async (...args: Parameters<typeof attempt>) => {
      const { code, stdout, stderr } = await attempt(...args);
      assertEquals([code, stderr], [0, ""]);
      return stdout;
    };
    const publishTo = (out: string, ...more: string[]) =>
      ["keys", "publish", "--app", "demo", "--out", `${folder}/${out}`, ...more] as const;
    let service = await startReady({ folder, port, env });
    await run("backup", "--to", `${folder}/backup.sqlite3`);
    await run("keys", "rotate", "--app", "demo");
    const published = await run(...publishTo("public"));
    await run(...publishTo("elsewhere"));
    const keyPin = /(\S{43})$/m.exec(published)?.[1];
    await service.end("SIGKILL");

    const restore = (...args: string[]) =>
      ["restore", "--from", `${folder}/backup.sqlite3`, ...args, "--yes"] as const;
    const says = "The chain of keys starts anew for demo";
    // A history that does not fit ends the command before anything is replaced.
    const history = JSON.parse(await Deno.readTextFile(`${folder}/public/history.json`));
    await Deno.mkdir(`${folder}/unfit`);
    for (
      const [change, sentence] of [
        [
          { before: "A".repeat(43) },
          "The history of demo cannot be used: it does not contain the newest key of",
        ],
        [{ app: "other" }, "The history of other cannot be used: there is no such application here."],
        [{ region: "moon" }, `${folder}/unfit/history.json is of region moon, and this store of local.`],
      ] as const
    ) {
      // Its first leaf is left out, so that each link is another one.
      const leaves = "before" in change ? history.leaves.replace(/^./, "_") : history.leaves;
      await Deno.writeTextFile(
        `${folder}/unfit/history.json`,
        JSON.stringify({ ...history, leaves, ...change }),
      );
      const { code, stdout, stderr } = await attempt(...restore("--history", `${folder}/unfit/history.json`));
      assertEquals([code, stdout], [1, ""]);
      assertStringIncludes(stderr, sentence);
    }
    await Deno.stat(`${folder}/.dit/kv.sqlite3.replaced`).then(() => assert(false), () => {});

    // What was published beside it says that today's key was replaced.
    const goesOn = await run(...restore("--history", `${folder}/public/history.json`));
    assert(!goesOn.includes(says), goesOn);
    assertMatch(goesOn, /^demo: 4 keys ended; [^:]*: [0-9]+\/2, [0-9]+\/1, [0-9]+\/1, [0-9]+\/1\.$/m);
    service = await startReady({ folder, port, env });
    assertEquals(await logOnce({ endpoint: service.url, signInAt: service.url, keyPin }), ["sent 1"]);
    // Whoever published before finds nothing that contradicts it.
    await run(...publishTo("public"));
    await service.end("SIGTERM");

    await Deno.remove(`${folder}/.dit/kv.sqlite3.replaced`);
    const today = Math.floor(Date.now() / 1000 / DAY_SECONDS);
    assertStringIncludes(await run(...restore("--generation", `${today}/1`)), says);
    service = await startReady({ folder, port, env });
    const endpoint = service.url;
    assertEquals(await logOnce({ endpoint, signInAt: endpoint, keyPin }), ["directory not_pinned"]);
    assertEquals(await logOnce({ endpoint, signInAt: endpoint, keyPin: undefined }), ["sent 1"]);
    // Nothing leads from what was published to it: a person says that this is right.
    const anew = await attempt(...publishTo("elsewhere"));
    assertEquals([anew.code, anew.stdout], [1, ""]);
    assertStringIncludes(anew.stderr, "No link leads from the history in");
    await run(...publishTo("elsewhere", "--chain-starts-anew"));
    await service.end("SIGTERM");
  }));
