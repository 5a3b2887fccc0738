import { assert, assertEquals, assertRejects } from "@std/assert";
import { startKvEndpoint } from "./kv_endpoint.ts";
import { freePort } from "../processes/free_ports.ts";
import { claim, TOKEN, withEndpoint } from "./with_kv_endpoint.ts";

Deno.test("startKvEndpoint() serves get, set, delete, getMany, list and checks to Deno.openKv", async () => {
  await withEndpoint(async (_endpoint, open) => {
    const [kv, other] = [await open(), await open()];
    const { versionstamp } = await kv.set(["a", 1], {
      text: "é",
      bytes: Uint8Array.of(0, 255),
      big: 2n ** 70n,
    });
    const entry = await other.get(["a", 1]);
    assertEquals(entry.value, { text: "é", bytes: Uint8Array.of(0, 255), big: 2n ** 70n });
    assertEquals(entry.versionstamp, versionstamp);

    for (let use = 2; use <= 250; use++) await kv.set(["a", use], use);
    const listed = await Array.fromAsync(other.list<number>({ prefix: ["a"] }));
    assertEquals(listed.map((found) => found.key[1]), Array.from({ length: 250 }, (_, index) => index + 1));
    const reversed = await Array.fromAsync(other.list({ prefix: ["a"] }, { reverse: true, limit: 2 }));
    assertEquals(reversed.map((found) => found.key[1]), [250, 249]);
    const many = await other.getMany<number[]>([["a", 7], ["a", 999], ["a", 9]]);
    assertEquals(many.map((found) => found.value), [7, null, 9]);

    await kv.delete(["a", 7]);
    assertEquals((await other.get(["a", 7])).versionstamp, null);
    assert((await claim(kv, 1, "mine")).ok);
    assert(!(await claim(other, 1, "theirs")).ok);
    assert(
      !(await other.atomic().check({ key: ["a", 1], versionstamp: "00".repeat(10) }).delete(["a", 1])
        .commit()).ok,
    );
    assert((await other.atomic().check(entry).set(["a", 1], "changed").commit()).ok);
    assertEquals((await kv.get(["a", 1])).value, "changed");
  });
});

Deno.test("startKvEndpoint() serves a watch, over a restart too", async () => {
  await withEndpoint(async (endpoint, open) => {
    const [kv, other] = [await open(), await open()];
    const watched = kv.watch<string[]>([["w", 1], ["w", 2]])[Symbol.asyncIterator]();
    const next = async () =>
      (await watched.next()).value?.map((entry: Deno.KvEntryMaybe<string>) => entry.value);
    assertEquals(await next(), [null, null]);
    await other.set(["w", 2], "second");
    assertEquals(await next(), [null, "second"]);
    await endpoint.stop();
    await endpoint.start();
    await other.atomic().set(["w", 1], "first").delete(["w", 2]).commit();
    let seen = await next();
    while (seen?.[0] !== "first") seen = await next(); // the state at the time of the reconnection may come before
    assertEquals(seen, ["first", null]);
    await watched.return?.();
  });
});

Deno.test("startKvEndpoint() leaves nothing behind that keeps the process alive", async () => {
  const script = `
    import { startKvEndpoint } from ${JSON.stringify(import.meta.resolve("./kv_endpoint.ts"))};
    const endpoint = await startKvEndpoint({ path: ":memory:", token: "${TOKEN}" });
    const kv = await Deno.openKv(endpoint.url);
    const watched = kv.watch([["w"]])[Symbol.asyncIterator]();
    await watched.next();
    const abandoned = kv.watch([["x"]])[Symbol.asyncIterator]();
    await abandoned.next();
    await watched.return();
    kv.close();
    await endpoint.stop();
    console.log("stopped");`;
  const config = new URL(import.meta.resolve("../../deno.json")).pathname;
  const permissions = ["--allow-net=127.0.0.1", "--allow-env=DENO_KV_ACCESS_TOKEN", "--allow-ffi"];
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--config",
      config,
      ...permissions,
      `data:text/typescript,${encodeURIComponent(script)}`,
    ],
    env: { DENO_KV_ACCESS_TOKEN: TOKEN },
    signal: AbortSignal.timeout(60_000),
  }).output();
  assertEquals(new TextDecoder().decode(stdout).trim(), "stopped");
  assertEquals(code, 0);
});

Deno.test("startKvEndpoint() refuses a wrong token, on every route", async () => {
  const token = "the token of another endpoint";
  await withEndpoint(async (endpoint) => {
    await assertRejects(() => Deno.openKv(endpoint.url), TypeError, "401");
    for (const route of ["/", "/v2/snapshot_read", "/v2/atomic_write", "/v2/watch"]) {
      for (const headers of [{}, { authorization: token }, { authorization: `Bearer ${token}x` }]) {
        const answer = await fetch(endpoint.url + route, { method: "POST", headers });
        assertEquals([answer.status, await answer.text()], [401, "Invalid access token"]);
      }
    }
    assertEquals(endpoint.counts.requests, 0);
  }, { token });
  await assertRejects(() => startKvEndpoint({ path: ":memory:", token: "" }), TypeError, "token is empty");
});

Deno.test("startKvEndpoint() answers what denokv would to what is not the protocol", async () => {
  await withEndpoint(async (endpoint, open) => {
    const database = { "x-denokv-database-id": "00000000-0000-0000-0000-000000000000" };
    const status = async (
      route: string,
      body: BodyInit,
      headers: HeadersInit = database,
      method = "POST",
    ) => {
      const authorization = `Bearer ${TOKEN}`;
      const init = { method, headers: { authorization, ...headers }, ...(method === "GET" ? {} : { body }) };
      const answer = await fetch(endpoint.url + route, init);
      await answer.body?.cancel();
      return answer.status;
    };
    assertEquals(await status("/", "", database, "GET"), 405);
    assertEquals(await status("/", "not JSON"), 400);
    assertEquals(await status("/", `{"supportedVersions": [1]}`), 400);
    assertEquals(await status("/", `{"supportedVersions": [1, 2]}`), 200);
    assertEquals(await status("/v2/else", ""), 404);
    assertEquals(await status("/v2/snapshot_read", "", {}), 400);
    assertEquals(await status("/v2/snapshot_read", Uint8Array.of(255)), 400);
    assertEquals(await status("/v2/atomic_write", Uint8Array.of(255)), 400);
    assertEquals(await status("/v2/watch", Uint8Array.of(255)), 400);
    assertEquals(await status("/v2/atomic_write", new Uint8Array(2 * 1024 * 1024 + 1)), 413);

    // A 5xx would make the client try for ever.
    const kv = await open();
    await kv.set(["text"], "no number");
    await assertRejects(() => kv.atomic().sum(["text"], 1n).commit(), Error, "non-U64");
  });
});

Deno.test("startKvEndpoint() throws for a taken port and for a file that cannot be opened", async () => {
  await withEndpoint(async (endpoint, open) => {
    const port = Number(new URL(endpoint.url).port);
    await assertRejects(
      () => startKvEndpoint({ path: ":memory:", token: TOKEN, port }),
      Deno.errors.AddrInUse,
    );
    await assertRejects(
      () => startKvEndpoint({ path: "/nowhere/at/all.sqlite3", token: TOKEN }),
      Error,
      "unable to open database file",
    );
    assert((await claim(await open(), 1, "still served")).ok);
  });
});

Deno.test("KvEndpoint.stop() refuses connections; start() serves the same file on the same port", async () => {
  await withEndpoint(async (endpoint, open) => {
    const kv = await open();
    await kv.set(["kept"], "over the restart");
    await endpoint.stop();
    await endpoint.stop();
    await assertRejects(() => Deno.openKv(endpoint.url), TypeError, "refused");
    const during = claim(kv, 1, "while down");
    const { writes } = endpoint.counts;
    await endpoint.start();
    assert((await during).ok);
    assertEquals(endpoint.counts.writes, writes + 1);
    const again = await open();
    assertEquals((await again.get(["kept"])).value, "over the restart");
    assertEquals((await again.get(["claim", 1])).value, "while down");
  }, { port: freePort() });
});
