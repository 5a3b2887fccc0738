/** Services that lie to whoever publishes what everybody is shown. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromBase64url, toBase64url } from "../../core/base/bytes.ts";
import { keyLeaf, LINK_LENGTH, nextLink } from "../../core/token/key_chain.ts";
import { digestBody } from "../../core/token/mac.ts";
import { freePort } from "../support/processes/free_ports.ts";
import { DAY_SECONDS, inOnePeriod } from "../support/processes/in_one_period.ts";
import { demoConfig, Folders, runTask, startReady } from "../support/processes/service_process.ts";

const PATHS = { schema: "schema", keys: "keys", history: "keys/history" } as const;
type Name = keyof typeof PATHS;
// deno-lint-ignore no-explicit-any -- documents are taken apart and lied with as they come
type Documents = Record<Name, any>;

/** What an honest service shows. */
async function documentsOf(url: string): Promise<Documents> {
  const names = Object.entries(PATHS);
  return Object.fromEntries(
    await Promise.all(names.map(async ([name, path]) => [
      name,
      await (await fetch(`${url}/v1/apps/demo/${path}`)).json(),
    ])),
  );
}

/** A host that shows `documents`, whatever becomes of them. */
function serve(documents: { now: Documents }): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, ({ url }) => {
    const path = new URL(url).pathname.replace("/v1/apps/demo/", "");
    const [name] = Object.entries(PATHS).find(([, own]) => own === path)!;
    const body = new TextEncoder().encode(JSON.stringify(documents.now[name as Name]));
    return new Response(body, { headers: { etag: `"${toBase64url(digestBody(body))}"` } });
  });
}

/** Another chain from `first` on, over the keys that `change` makes of those that are listed. */
function anotherChain(
  { schema, keys }: Documents,
  { first, before = new Uint8Array(LINK_LENGTH), change }: {
    readonly first: number;
    readonly before?: Uint8Array | undefined;
    // deno-lint-ignore no-explicit-any -- as above
    readonly change: (key: any, at: number, all: readonly any[]) => object;
  },
): Documents {
  const listed = keys["token-keys"].map(change);
  const leaves: Uint8Array[] = [];
  let link = before;
  for (const [at, key] of listed.entries()) {
    const leaf = keyLeaf("demo", {
      ...key,
      tokenType: key["token-type"],
      publicKey: key["token-key"],
      notBefore: key["not-before"],
      issueUntil: key["issue-until"],
      redeemUntil: key["redeem-until"],
    });
    leaves.push(leaf);
    link = nextLink(link, leaf);
    key["chain-number"] = first + at;
    key.chain = toBase64url(link);
  }
  return {
    schema,
    keys: { ...keys, "token-keys": listed },
    history: {
      app: "demo",
      region: keys["token-keys"][0].region,
      first,
      before: toBase64url(before),
      leaves: toBase64url(Uint8Array.from(leaves.flatMap((leaf) => [...leaf]))),
    },
  };
}

Deno.test("deno task keys publish replaces nothing with what does not lead on, and keeps each lie as evidence", () =>
  inOnePeriod(DAY_SECONDS, async () => {
    await using folders = new Folders();
    const folder = await folders.make(demoConfig());
    const out = `${folder}/public`;
    const port = freePort();
    const env = { PORT: String(port), DIT_CONFIG: "config.js" };
    await using service = await startReady({ folder, port, env });
    const honest = await documentsOf(service.url);
    const shown = { now: honest };
    await using host = serve(shown);
    const from = `http://127.0.0.1:${host.addr.port}`;
    const publish = (...more: string[]) =>
      runTask("keys", "cli/keys.ts", ["publish", "--app", "demo", "--out", out, ...more], folder, env);
    const filesOf = async () =>
      await Promise.all(
        ["schema", "keys", "history"].map((name) => Deno.readTextFile(`${out}/${name}.json`)),
      );
    const evidence = async () =>
      (await Array.fromAsync(Deno.readDir(`${out}.evidence`))).map(({ name }) => name).sort();

    assertEquals((await publish("--from", from)).code, 0);
    const published = await filesOf();
    const { history, keys } = honest;
    const last = history.first + fromBase64url(history.leaves).length / LINK_LENGTH - 1;
    /** Every listed key with the value of its neighbour. */
    // deno-lint-ignore no-explicit-any -- as above
    const forged = (key: any, at: number, all: readonly any[]) => {
      const { "token-key": value, "token-key-id": id } = all[(at + 1) % all.length];
      return { ...key, "token-key": value, "token-key-id": id };
    };
    /** The same keys, made anew under the next names. */
    // deno-lint-ignore no-explicit-any -- as above
    const renewed = (key: any, at: number, all: readonly any[]) => ({
      ...forged(key, at, all),
      generation: key.generation + 1,
    });
    const nines = new Uint8Array(LINK_LENGTH).fill(9);
    const lies: readonly (readonly [string, Documents, string])[] = [
      [
        "other keys behind the last number",
        anotherChain(honest, { first: last + 1, before: nines, change: forged }),
        "another key",
      ],
      [
        "other keys far behind it",
        anotherChain(honest, { first: last + 5_000, change: forged }),
        "another key",
      ],
      [
        "new keys on another link",
        anotherChain(honest, { first: last + 1, before: nines, change: renewed }),
        "under the same numbers",
      ],
      [
        "new keys far behind",
        anotherChain(honest, { first: last + 5_000, change: renewed }),
        "No link leads from",
      ],
      ["a key that is in no history", {
        ...honest,
        keys: { ...keys, "token-keys": keys["token-keys"].map(forged) },
      }, "does not have the key"],
      ["a history that ends early", {
        ...honest,
        keys: { ...keys, "token-keys": keys["token-keys"].slice(0, 2) },
        history: { ...history, leaves: toBase64url(fromBase64url(history.leaves).slice(0, 2 * LINK_LENGTH)) },
      }, "an older history"],
    ];
    let first = "";
    for (const [at, [name, lie, sentence]] of lies.entries()) {
      shown.now = lie;
      // A lie that is told twice is kept once.
      for (let times = 0; times < 2; times++) {
        const { code, stdout, stderr } = await publish("--from", from);
        assertEquals([code, stdout], [1, ""], name);
        assertStringIncludes(stderr, sentence);
        assertStringIncludes(stderr, `Nothing in ${out} was replaced`);
      }
      assertEquals(await filesOf(), published, name);
      const kept = await evidence();
      assertEquals(kept.length, at + 1, name);
      // The only one; those of one second are in no order.
      if (at === 0) first = kept[0] ?? "";
    }
    assertEquals((await Deno.stat(`${out}.evidence/${first}`)).mode! & 0o777, 0o700);
    assertEquals(await Deno.readTextFile(`${out}.evidence/${first}/published/history.json`), published[2]);
    assertEquals(
      JSON.parse(await Deno.readTextFile(`${out}.evidence/${first}/shown/history.json`)),
      lies[0]![1].history,
    );
    assertEquals(
      (await Array.fromAsync(Deno.readDir(out))).map(({ name }) => name).sort(),
      ["SHA256SUMS", "history.json", "keys.json", "schema.json"],
    );

    // Nothing is held against a schema of before: it has to be one.
    for (const schema of [{ hello: "<script>" }, { ...honest.schema, app: "other" }, []]) {
      shown.now = { ...honest, schema };
      const { code, stderr } = await publish("--from", from);
      assertEquals([code, stderr.split(":")[0]], [1, "Clients would refuse the schema"]);
    }

    // An honest run goes on, and does not let it be forgotten.
    shown.now = honest;
    const again = await publish("--from", from);
    assertEquals([again.code, again.stderr], [0, ""]);
    assertStringIncludes(again.stdout, `In ${out}.evidence lies what ${lies.length} runs before`);

    // No yes has the name of a key mean another one.
    shown.now = lies[1]![1];
    assertEquals((await publish("--from", from, "--chain-starts-anew")).code, 1);
    // A store that was put back without its history makes keys of new names.
    shown.now = lies[3]![1];
    const anew = await publish("--from", from, "--chain-starts-anew");
    assertEquals([anew.code, anew.stderr], [0, ""]);
    assertEquals((await filesOf())[2], JSON.stringify(shown.now.history));
    const oldHistories = await Promise.all(
      (await evidence()).map((name) => Deno.readTextFile(`${out}.evidence/${name}/published/history.json`)),
    );
    assert(oldHistories.includes(published[2]!));

    const nonsense = await publish("--from", "nonsense");
    assertEquals([nonsense.code, nonsense.stderr], [1, "Give --from the https:// URL of the service.\n"]);
  }));
