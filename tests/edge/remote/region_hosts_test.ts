/** Regions whose tokens and logs have a host each: what the hop between them may skip, and what a client may not. */
import { assertEquals } from "@std/assert";
import { APP, countStored, RegionDeployment, type StepHosts } from "../../support/service/region_service.ts";

const KEYS = `/v1/apps/${APP}/keys`;
const BASE = "telemetry.example";

const hostsOf = (base: string): StepHosts => ({ tokens: `tokens.${base}`, logs: `logs.${base}` });

/** Two regions that know each other by other names than those of their clients. */
async function startBoth(deployment: RegionDeployment, euHosts: StepHosts, usHosts: StepHosts) {
  const others = (name: string) => () => ({
    [name]: deployment.regions.find((region) => region.name === name)!.url,
  });
  const eu = await deployment.start("eu", others("us"), { hosts: euHosts });
  const us = await deployment.start("us", others("eu"), { hosts: usHosts });
  return { eu, us };
}

Deno.test("where all regions have the same two hosts, a log that lands in another one counts once, at home", async () => {
  const deployment = new RegionDeployment();
  try {
    const hosts = hostsOf(BASE);
    const { eu, us } = await startBoth(deployment, hosts, hosts);
    const asked = new Set<string>();
    const { client, logs, refused } = deployment.client("alice", (path, host) => {
      asked.add(`${host} ${path.split("/").at(-1)}`);
      return path.endsWith("/logs") ? us : eu;
    }, { endpoint: `https://${BASE}` });
    client.log("note_saved", { ok: true, platform: "web", latency_ms: 20 });
    await client.flush();
    await client.close();
    assertEquals(refused, []);
    assertEquals(
      asked,
      new Set([`${BASE} schema`, `${BASE} keys`, `${hosts.tokens} tokens`, `${hosts.logs} logs`]),
    );
    assertEquals([await countStored(eu), await us.rows()], [{ claims: 1, logs: 1 }, []]);

    // The very log under another name than that of logs: refused where it lands, and home hears nothing of it.
    const [{ path, init }] = logs as [typeof logs[0]];
    eu.received.length = 0;
    for (const [region, host] of [[us, hosts.tokens], [us, BASE], [eu, new URL(eu.url).host]] as const) {
      const response = await region.fetchAs(host, path, init);
      assertEquals([response.status, (await response.json()).code], [404, "route_unknown"], host);
    }
    // A wrong secret of the hop is none.
    const forged = new Headers(init.headers);
    forged.set("dit-hop", "a guess");
    const response = await fetch(eu.url + path, { ...init, headers: forged });
    assertEquals([response.status, (await response.json()).code], [404, "route_unknown"]);
    assertEquals(eu.received.filter(({ headers }) => headers.get("dit-hop") !== "a guess").length, 1);
    assertEquals([await countStored(eu), await us.rows()], [{ claims: 1, logs: 1 }, []]);
  } finally {
    await deployment.close();
  }
});

Deno.test("where each region has two hosts of its own, its directory names these, with the keys of all", async () => {
  const deployment = new RegionDeployment();
  try {
    const [euHosts, usHosts] = [hostsOf(`eu.${BASE}`), hostsOf(`us.${BASE}`)];
    const { eu, us } = await startBoth(deployment, euHosts, usHosts);
    for (const [region, hosts] of [[eu, euHosts], [us, usHosts]] as const) {
      for (const host of [hosts.tokens, hosts.logs]) {
        const directory = await (await region.fetchAs(host, KEYS)).json();
        assertEquals(
          [directory["issuing-endpoint"], directory["logging-endpoint"]],
          [`https://${hosts.tokens}`, `https://${hosts.logs}`],
        );
        const names = directory["token-keys"].map((key: { region: string }) => key.region);
        assertEquals(new Set(names), new Set(["eu", "us"]));
      }
    }
    // An app that takes its tokens in one region and names another's host for its logs.
    const { client, refused } = deployment.client(
      "alice",
      (_, host) => host.endsWith(`.us.${BASE}`) ? us : eu,
      { issueEndpoint: `https://${euHosts.tokens}`, logEndpoint: `https://${usHosts.logs}` },
    );
    client.log("note_saved", { ok: true, platform: "web", latency_ms: 20 });
    await client.flush();
    await client.close();
    assertEquals(refused, []);
    assertEquals([await countStored(eu), await us.rows()], [{ claims: 1, logs: 1 }, []]);
    assertEquals(us.asked.filter((request) => request.startsWith("POST")), [
      `POST ${eu.url}/v1/apps/${APP}/logs`,
    ]);
  } finally {
    await deployment.close();
  }
});
