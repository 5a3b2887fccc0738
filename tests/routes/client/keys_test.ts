import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { toBase64url } from "../../../core/base/bytes.ts";
import { tokenKeyId } from "../../../core/token/token.ts";
import { assertRefusedUnwritten } from "../../support/http/assert_answers.ts";
import { fetchKeys } from "../../support/client/protocol_client.ts";
import {
  BOTH_SUITES,
  configOf,
  snapshot,
  startService,
  testApplication,
  withService,
} from "../../support/service/service.ts";

const DAY = 86_400;

async function etagOf(body: ArrayBuffer): Promise<string> {
  return `"${toBase64url(new Uint8Array(await crypto.subtle.digest("SHA-256", body)))}"`;
}

Deno.test("GET keys publishes the issuing key and those of the next three epochs", async () => {
  await withService({ config: BOTH_SUITES }, async (test) => {
    for (const app of ["notes", "vault"]) {
      const keys = await fetchKeys(test.send, app);
      const epoch = Math.floor(test.clock.seconds / DAY);
      assertEquals(
        keys.map(({ suite: _suite, publicKey: _publicKey, keyId: _keyId, ...key }) => key),
        [0, 1, 2, 3].map((ahead) => ({
          app,
          issuer: "telemetry.example",
          epoch: epoch + ahead,
          generation: 0,
          notBefore: (epoch + ahead) * DAY,
          issueUntil: (epoch + ahead + 1) * DAY,
          redeemUntil: (epoch + ahead + 2) * DAY,
        })),
      );
      for (const { keyId, publicKey, suite } of keys) {
        assertEquals(keyId, tokenKeyId(publicKey));
        suite.checkElement(publicKey);
      }
      assertEquals(new Set(keys.map(({ keyId }) => keyId.at(-1))).size, 4);
    }
  });
});

Deno.test("GET keys has exactly the members that the protocol gives it, and no secret", async () => {
  await withService({}, async (test) => {
    const directory = await (await test.send("/v1/apps/notes/keys")).json();
    const { "token-keys": keys, ...rest } = directory;
    assertEquals(rest, {
      issuer: "telemetry.example",
      app: "notes",
      region: "local",
      "epoch-seconds": DAY,
      "uses-per-token": 64,
      "max-batch": 32,
      "tokens-per-client": 4,
    });
    for (const key of keys) {
      assertEquals(Object.keys(key), [
        "token-type",
        "token-key",
        "token-key-id",
        "region",
        "epoch",
        "generation",
        "not-before",
        "issue-until",
        "redeem-until",
        "chain-number",
        "chain",
      ]);
      assertEquals([key["token-type"], key.region], [5, "local"]);
    }
  });
});

Deno.test("GET keys and schema carry the digest of their bytes as ETag, and answer 304 to it", async () => {
  await withService({}, async (test) => {
    for (const path of ["/v1/apps/notes/keys", "/v1/apps/notes/keys/history", "/v1/apps/notes/schema"]) {
      const response = await test.send(path);
      const etag = response.headers.get("etag")!;
      assertEquals(response.headers.get("content-type"), "application/json");
      assertEquals(etag, await etagOf(await response.arrayBuffer()));
      for (const known of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
        const unchanged = await test.send(path, { headers: { "if-none-match": known } });
        assertEquals([unchanged.status, await unchanged.text()], [304, ""]);
        assertEquals(unchanged.headers.get("etag"), etag);
        assertEquals(unchanged.headers.get("cache-control")?.startsWith("public, max-age="), true);
      }
      for (const unknown of ['"x"', etag.slice(1, -1), `${etag.slice(0, -1)}A"`]) {
        const changed = await test.send(path, { headers: { "if-none-match": unknown } });
        assertEquals(changed.status, 200);
        await changed.body?.cancel();
      }
    }
  });
});

Deno.test("GET keys may be cached to the next change and up to an hour beyond, not all to the same second", async () => {
  await withService({}, async (test) => {
    const change = (Math.floor(test.clock.seconds / DAY) + 1) * DAY - test.clock.seconds;
    const ages = new Set<number>();
    for (let asked = 0; asked < 20; asked++) {
      const response = await test.send("/v1/apps/notes/keys");
      await response.body?.cancel();
      const age = Number(/^public, max-age=([0-9]+)$/.exec(response.headers.get("cache-control")!)![1]);
      assert(age >= change && age <= change + 3_600, `${age}`);
      ages.add(age);
    }
    assert(ages.size > 1);
  });
});

Deno.test("GET keys writes nothing, and gives the same bytes from every process on a store", async () => {
  const sealKey = crypto.getRandomValues(new Uint8Array(32));
  await withService({ sealKey }, async (test) => {
    const other = await startService({ kv: test.kv, sealKey });
    const before = await snapshot(test.kv);
    const bodies = await Promise.all(
      [test, other, test].map(async ({ send }) => await (await send("/v1/apps/notes/keys")).text()),
    );
    assertEquals(new Set(bodies).size, 1);
    assertEquals(await snapshot(test.kv), before);
  });
});

Deno.test("GET keys makes what is missing, and drops what is over, when nobody else did", async () => {
  await withService({}, async (test) => {
    const [first, ...later] = await fetchKeys(test.send);
    test.clock.seconds += 2 * DAY;
    const keys = await fetchKeys(test.send);
    const epoch = Math.floor(test.clock.seconds / DAY);
    assertEquals(keys.map((key) => key.epoch), [-1, 0, 1, 2, 3].map((ahead) => epoch + ahead));
    assertEquals(keys.slice(0, 3).map(({ keyId }) => keyId), later.map(({ keyId }) => keyId));
    assertNotEquals(keys[0]!.keyId, first!.keyId);
  });
});

Deno.test("HEAD keys answers as GET does, without the body", async () => {
  await withService({}, async (test) => {
    const get = await test.send("/v1/apps/notes/keys");
    const head = await test.send("/v1/apps/notes/keys", { method: "HEAD" });
    assertEquals([head.status, await head.text()], [200, ""]);
    assertEquals(head.headers.get("etag"), get.headers.get("etag"));
    await get.body?.cancel();
  });
});

Deno.test("GET keys and schema answer 404 app_unknown and 400 query_refused, and write nothing", async () => {
  await withService({}, async (test) => {
    for (const what of ["keys", "schema"]) {
      for (const app of ["nobody", "NOTES", "constructor"]) {
        await assertRefusedUnwritten(test, [`/v1/apps/${app}/${what}`], 404, "app_unknown");
      }
      await assertRefusedUnwritten(test, [`/v1/apps/%6eotes/${what}`], 404, "route_unknown");
      await assertRefusedUnwritten(test, [`/v1/apps/notes/${what}?v=1`], 400, "query_refused");
    }
  });
});

Deno.test("GET schema says what is collected, what for, and what is stopped", async () => {
  const config = configOf({
    notes: {},
    quiet: {
      pseudonymSeconds: false,
      events: {
        seen: {
          ...testApplication.events.app_opened,
          review: "https://reviews.example/7",
          sample: 0.5,
          fields: { ok: { type: "boolean", localDp: { epsilon: 1 }, description: "Whether it went well." } },
        },
      },
    },
  });
  await withService({ config }, async (test) => {
    const response = await test.send("/v1/apps/notes/schema");
    assertEquals(response.headers.get("cache-control"), "public, max-age=300");
    const schema = await response.json();
    assertEquals([schema.app, schema["pseudonym-seconds"]], ["notes", 604_800]);
    assertEquals(schema.events.map(({ name, state }: Record<string, string>) => [name, state]), [
      ["note_saved", "open"],
      ["app_opened", "open"],
      ["note_stopped", "stopped"],
      ["note_expired", "stopped"],
    ]);
    assertEquals(schema.events[0].fields, testApplication.events.note_saved.fields);
    assertEquals(await (await test.send("/v1/apps/quiet/schema")).json(), {
      app: "quiet",
      "granularity-seconds": 3_600,
      events: [{
        name: "seen",
        description: "The app was opened.",
        purpose: "How many people use it.",
        owner: "notes-team",
        review: "https://reviews.example/7",
        expires: "2099-12-31",
        state: "open",
        sample: 0.5,
        fields: {
          ok: {
            type: "boolean",
            description: "Whether it went well.",
            "local-dp": { epsilon: 1, mechanism: "grr", "max-values": 2 },
          },
        },
      }],
    });
  });
});
