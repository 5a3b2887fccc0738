import { assert, assertEquals } from "@std/assert";
import { present } from "../../support/base/present.ts";
import { batchLogs } from "../../support/client/protocol_client.ts";
import {
  APP,
  countStored,
  RegionDeployment,
  type RegionService,
} from "../../support/service/region_service.ts";

const KEYS = `/v1/apps/${APP}/keys`;

/** Two regions that know each other. */
async function withTwoRegions(
  body: (regions: { deployment: RegionDeployment; eu: RegionService; us: RegionService }) => Promise<void>,
): Promise<void> {
  const deployment = new RegionDeployment();
  try {
    const eu = await deployment.start("eu", () => ({ us: us.url }));
    const us: RegionService = await deployment.start("us", () => ({ eu: eu.url }));
    await body({ deployment, eu, us });
  } finally {
    await deployment.close();
  }
}

async function readDirectory(region: RegionService): Promise<{ region: string; regions: string[] }> {
  const directory = await (await fetch(region.url + KEYS)).json();
  const regions: string[] = directory["token-keys"].map((key: { region: string }) => key.region);
  return { region: directory.region, regions: [...new Set(regions)].toSorted() };
}

Deno.test("every region serves the directory of every region, from a cache of a minute", () =>
  withTwoRegions(async ({ deployment, eu, us }) => {
    assertEquals(await readDirectory(eu), { region: "eu", regions: ["eu", "us"] });
    assertEquals(await readDirectory(us), { region: "us", regions: ["eu", "us"] });
    assertEquals(eu.asked, [`GET ${us.url}${KEYS}`]);
    for (let index = 0; index < 10; index++) await readDirectory(eu);
    assertEquals(eu.asked.length, 1);
    deployment.clock.seconds += 60;
    await Promise.all(Array.from({ length: 10 }, () => readDirectory(eu)));
    assertEquals(eu.asked.length, 2);
  }));

Deno.test("a region tells another only of its own keys, and has no cache keep that answer", () =>
  withTwoRegions(async ({ eu, us }) => {
    await readDirectory(eu);
    for (const hop of ["wrong", "?1"]) {
      const response = await fetch(eu.url + KEYS, { headers: { "dit-hop": hop } });
      const directory = await response.json();
      assert(directory["token-keys"].every((key: { region: string }) => key.region === "eu"));
      assertEquals(response.headers.get("cache-control"), "no-store");
    }
    assertEquals(us.asked, []);
  }));

Deno.test("a client takes its tokens from the region that answers, whichever comes first in the directory", () =>
  withTwoRegions(async ({ deployment, eu, us }) => {
    for (const [subject, region] of [["alice", eu], ["bob", us]] as const) {
      const { client, refused } = deployment.client(subject, () => region);
      client.log("note_saved", { ok: true, platform: "web", latency_ms: 20 });
      await client.flush();
      await client.close();
      assertEquals(refused, []);
      assertEquals(await countStored(region), { claims: 1, logs: 1 });
      assert(![...eu.asked, ...us.asked].some((request) => request.startsWith("POST")));
    }
  }));

Deno.test("a log that lands in another region is sent on, answered as if local, and counted once, at home", () =>
  withTwoRegions(async ({ deployment, eu, us }) => {
    const { client, logs, refused } = deployment.client(
      "alice",
      (path) => path.endsWith("/logs") ? us : eu,
    );
    const sent: unknown[] = [];
    client.on("sent", (event) => sent.push(event));
    client.log("note_saved", { ok: true, platform: "web", latency_ms: 20 });
    await client.flush();
    await client.close();
    assertEquals([sent, refused], [[{ events: 1, replayed: false }], []]);
    assertEquals(await countStored(eu), { claims: 1, logs: 1 });
    assertEquals(await us.rows(), []);
    assertEquals(us.asked.filter((request) => request.startsWith("POST")), [
      `POST ${eu.url}/v1/apps/${APP}/logs`,
    ]);
    // Sent again through either region, it is the same log.
    for (const region of [us, eu]) {
      const response = await fetch(region.url + logs[0]!.path, logs[0]!.init);
      assertEquals([response.status, response.headers.get("dit-replayed")], [200, "?1"]);
      assertEquals(await response.json(), { accepted: 1, rejected: [] });
    }
    assertEquals(await countStored(eu), { claims: 1, logs: 1 });
    assertEquals(await us.rows(), []);
  }));

Deno.test("of a batch that lands in another region each log is sent on by itself, and answered as if local", () =>
  withTwoRegions(async ({ deployment, eu, us }) => {
    const logs: Parameters<typeof batchLogs>[0][number][] = [];
    for (const home of [eu, us]) {
      const { client, logs: sent } = deployment.client(home.name, () => home);
      for (let log = 0; log < 2; log++) {
        client.log("app_opened", {});
        await client.flush();
      }
      await client.close();
      logs.push(...sent.map(({ init }) => ({
        ...init,
        headers: Object.fromEntries(new Headers(init.headers)),
        body: init.body as Uint8Array<ArrayBuffer>,
      })));
    }
    const [first, , , fourth] = logs;
    const bad = { ...present(first), body: present(fourth).body };
    eu.received.length = 0;
    const response = await fetch(`${us.url}/v1/apps/${APP}/logs`, batchLogs([...logs, bad]));
    const { outcomes } = await response.json();
    const replay = { status: 200, accepted: 1, rejected: [], replayed: true };
    assertEquals(outcomes.slice(0, 4), Array(4).fill(replay));
    assertEquals([outcomes[4].status, outcomes[4].code], [401, "mac_invalid"]);
    assertEquals(
      eu.received.map(({ headers }) => headers.get("content-type")),
      Array(3).fill("application/json"),
    );
    assertEquals(await countStored(eu), { claims: 2, logs: 2 });
    assertEquals(await countStored(us), { claims: 2, logs: 2 });
    await eu.stop();
    const away = await (await fetch(`${us.url}/v1/apps/${APP}/logs`, batchLogs(logs))).json();
    assertEquals(
      away.outcomes.map(({ status, code }: { status: number; code?: string }) => code ?? status),
      ["store_unavailable", "store_unavailable", 200, 200],
    );
    assert(away.outcomes[0]["retry-after"] >= 1);
  }));

Deno.test("a log that was sent on is stripped: home sees one region, and no client", () =>
  withTwoRegions(async ({ deployment, eu, us }) => {
    const { client, logs } = deployment.client("alice", (path) => path.endsWith("/logs") ? us : eu);
    client.log("app_opened", {});
    await client.flush();
    await client.close();
    const { init } = logs[0]!;
    eu.received.length = 0;
    const headers = new Headers(init.headers);
    const telltales = {
      cookie: "id=canary",
      "user-agent": "canary",
      "accept-language": "canary",
      "x-forwarded-for": "192.0.2.99",
      forwarded: "for=192.0.2.99",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      referer: "https://canary.example/",
      "dit-client": "canary",
    };
    for (const [name, value] of Object.entries(telltales)) headers.set(name, value);
    const response = await fetch(us.url + logs[0]!.path, { ...init, headers });
    assertEquals(response.status, 200);
    await response.body?.cancel();
    const [received] = eu.received;
    const reached = Object.fromEntries(received!.headers);
    assert(!JSON.stringify(reached).includes("canary") && !JSON.stringify(reached).includes("192.0.2.99"));
    // What is not the log's own comes from this runtime's fetch and is the same for every client.
    for (const name of ["accept", "accept-language", "accept-encoding", "user-agent", "host", "dit-hop"]) {
      delete reached[name];
    }
    assertEquals(Object.keys(reached).toSorted(), ["authorization", "content-length", "content-type"]);
    assertEquals(reached.authorization, new Headers(init.headers).get("authorization"));
  }));

Deno.test("a region that sends logs on is not throttled at home, and one with a wrong secret is", async () => {
  const deployment = new RegionDeployment();
  try {
    const eu = await deployment.start("eu", () => ({}), {
      admission: { burst: 20, requestsPerSecond: 1e-9 },
    });
    const us = await deployment.start("us", () => ({ eu: eu.url }));
    const impostor = await deployment.start("us", () => ({ eu: eu.url }), { token: "x".repeat(39) });
    const { client, logs } = deployment.client("alice", () => eu);
    client.log("app_opened", {});
    await client.flush();
    await client.close();
    const statusOf = async (region: RegionService) => {
      const response = await fetch(region.url + logs[0]!.path, logs[0]!.init);
      await response.body?.cancel();
      return response.status;
    };
    // Without its secret a region is served like any client, while there is room for one.
    assertEquals(await statusOf(impostor), 200);
    while (await statusOf(eu) !== 429);
    for (let index = 0; index < 30; index++) assertEquals(await statusOf(us), 200);
    assertEquals([await statusOf(impostor), await statusOf(eu)], [429, 429]);
    assertEquals(await countStored(eu), { claims: 1, logs: 1 });
  } finally {
    await deployment.close();
  }
});

Deno.test("a key that is no region's is unknown, and asked for in a bounded way", () =>
  withTwoRegions(async ({ deployment, eu, us }) => {
    const { client, logs } = deployment.client("alice", () => eu);
    client.log("app_opened", {});
    await client.flush();
    await client.close();
    const { init, path } = logs[0]!;
    const made = (seed: number) => {
      const keyId = new Uint8Array(32).fill(seed).toBase64({ alphabet: "base64url", omitPadding: true });
      const authorization = new Headers(init.headers).get("authorization")!;
      return {
        ...init,
        headers: {
          "content-type": "application/json",
          authorization: authorization.replace(/key=[\w-]+/, `key=${keyId}`),
        },
      };
    };
    for (let seed = 0; seed < 50; seed++) {
      const response = await fetch(us.url + path, made(seed));
      assertEquals([response.status, (await response.json()).code], [401, "key_unknown"]);
    }
    assertEquals(us.asked.length, 1);
    deployment.clock.seconds += 5;
    await (await fetch(us.url + path, made(99))).body?.cancel();
    assertEquals(us.asked.length, 2);
  }));

Deno.test("every region promises what the keys of all keep, so that each is a mirror of the others", async () => {
  const deployment = new RegionDeployment();
  try {
    const eu = await deployment.start("eu", () => ({ us: us.url }), { app: { usesPerToken: 16 } });
    const us: RegionService = await deployment.start("us", () => ({ eu: eu.url }), {
      app: { usesPerToken: 64, tokensPerClient: 1 },
    });
    for (const { url } of [eu, us]) {
      const { "uses-per-token": uses, "tokens-per-client": tokens } = await (await fetch(url + KEYS)).json();
      assertEquals([uses, tokens], [16, 1]);
    }
  } finally {
    await deployment.close();
  }
});
