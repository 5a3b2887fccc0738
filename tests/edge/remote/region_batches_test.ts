/** Batches with logs of two regions: what becomes of one region's logs is nothing to those of the other. */
import { assert, assertEquals } from "@std/assert";
import { present } from "../../support/base/present.ts";
import { batchLogs } from "../../support/client/protocol_client.ts";
import {
  APP,
  countStored,
  RegionDeployment,
  type RegionOptions,
  type RegionService,
} from "../../support/service/region_service.ts";

type Log = Parameters<typeof batchLogs>[0][number];
type Outcome = Record<string, unknown> & { readonly status: number };

interface Mixed {
  /** Home of the first and the third log. */
  readonly eu: RegionService;
  /** Where the batch lands; home of the second and the fourth log. */
  readonly us: RegionService;
  /** Sends all four to `us` in one request; what became of each. */
  readonly send: (headers?: Record<string, string>) => Promise<Outcome[]>;
}

/** Four logs of two regions, of which none has arrived anywhere. */
async function withMixedBatch(
  run: (mixed: Mixed) => Promise<void>,
  options: RegionOptions = {},
): Promise<void> {
  const deployment = new RegionDeployment();
  try {
    const eu = await deployment.start("eu", () => ({ us: us.url }));
    const us: RegionService = await deployment.start("us", () => ({ eu: eu.url }), options);
    const logs: Log[] = [];
    for (const subject of ["alice", "bob"]) {
      for (const home of [eu, us]) logs.push(await unsentLog(deployment, home, `${subject}-${home.name}`));
    }
    // So that a slow machine asks for no keys while a test holds logs.
    await (await fetch(`${us.url}/v1/apps/${APP}/keys`)).body?.cancel();
    await run({
      eu,
      us,
      async send(headers = {}) {
        const batch = batchLogs(logs);
        const response = await fetch(`${us.url}/v1/apps/${APP}/logs`, {
          ...batch,
          headers: { ...batch.headers, ...headers },
        });
        const { outcomes } = await response.json();
        assertEquals([response.status, outcomes.length], [200, logs.length]);
        return outcomes;
      },
    });
  } finally {
    await deployment.close();
  }
}

/** The final bytes of a log whose answer was lost before its region had it. */
async function unsentLog(deployment: RegionDeployment, home: RegionService, subject: string): Promise<Log> {
  const { client, logs } = deployment.client(subject, () => home);
  home.intercept = ({ url }) => url.endsWith("/logs") ? new Response(null, { status: 500 }) : undefined;
  client.log("app_opened", {});
  await client.flush();
  await client.close();
  home.intercept = undefined;
  const log = present(logs[0]);
  return {
    ...log.init,
    headers: Object.fromEntries(new Headers(log.init.headers)),
    body: log.init.body as Uint8Array<ArrayBuffer>,
  };
}

const told = (outcomes: readonly Outcome[]) =>
  outcomes.map(({ status, code, replayed }) => status === 200 ? { replayed } : code);
const UNKNOWN = "store_unavailable";
const [NEW, AGAIN] = [{ replayed: false }, { replayed: true }];

/** Each log is stored once, at home. */
async function assertStoredAtHome({ eu, us }: Mixed): Promise<void> {
  for (const region of [eu, us]) {
    const { claims, logs } = await countStored(region);
    // Two of one commit share a row.
    assert(claims === 2 && logs >= 1 && logs <= 2, `${region.name}: ${claims} claims, ${logs} rows`);
  }
}

Deno.test("a batch stores the landing region's logs at once while the home of the others is silent", () =>
  withMixedBatch(async (mixed) => {
    const { eu, us, send } = mixed;
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    eu.intercept = async ({ url }) => {
      if (url.endsWith("/logs")) await released;
      return undefined;
    };
    const answer = send();
    while ((await countStored(us)).claims < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    release();
    assertEquals(told(await answer), [NEW, NEW, NEW, NEW]);
    assertEquals(told(await send()), [AGAIN, AGAIN, AGAIN, AGAIN]);
    await assertStoredAtHome(mixed);
  }, { forwardMs: 60_000 }));

Deno.test("a batch says 503 of the logs whose home is too slow, and hears later that it took them", () =>
  withMixedBatch(async (mixed) => {
    const { eu, us, send } = mixed;
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const landed: Promise<unknown>[] = [];
    eu.intercept = ({ url, headers, body }) => {
      if (!url.endsWith("/logs") || headers.has("x-late")) return undefined;
      // The log is taken at once; only the answer is late.
      const again = new Headers([...headers, ["x-late", "1"]]);
      const taken = new Response(body).bytes().then(async (bytes) => {
        const path = new URL(url).pathname;
        const response = await fetch(eu.url + path, { method: "POST", headers: again, body: bytes });
        assertEquals([response.status, (await response.json()).accepted], [200, 1]);
      });
      landed.push(taken);
      return released.then(() => new Response("{}", { headers: { "content-type": "application/json" } }));
    };
    const outcomes = await send();
    assertEquals(told(outcomes), [UNKNOWN, NEW, UNKNOWN, NEW]);
    for (const index of [0, 2]) assertEquals(outcomes[index]?.["retry-after"], 5);
    assertEquals((await countStored(us)).claims, 2);
    release();
    await Promise.all(landed);
    eu.intercept = undefined;
    assertEquals(told(await send()), [AGAIN, AGAIN, AGAIN, AGAIN]);
    await assertStoredAtHome(mixed);
  }, { forwardMs: 2_000 }));

Deno.test("a batch whose home region is down is taken in part, and the rest once it is back", () =>
  withMixedBatch(async (mixed) => {
    const { eu, send } = mixed;
    await eu.stop();
    assertEquals(told(await send()), [UNKNOWN, NEW, UNKNOWN, NEW]);
    assertEquals(told(await send()), [UNKNOWN, AGAIN, UNKNOWN, AGAIN]);
    eu.start();
    assertEquals(told(await send()), [NEW, AGAIN, NEW, AGAIN]);
    await assertStoredAtHome(mixed);
  }));

Deno.test("a batch that claims to be sent on is not sent on again", () =>
  withMixedBatch(async ({ eu, us, send }) => {
    eu.received.length = 0;
    assertEquals(told(await send({ "dit-hop": "?1" })), [UNKNOWN, NEW, UNKNOWN, NEW]);
    assertEquals(eu.received, []);
    assertEquals(await countStored(eu), { claims: 0, logs: 0 });
    assertEquals((await countStored(us)).claims, 2);
  }));

Deno.test("a batch believes no answer of another region whose body tells something else than its status", () =>
  withMixedBatch(async (mixed) => {
    const { eu, send } = mixed;
    const stored = { accepted: 1, rejected: [] };
    const taken = { status: 409, code: "use_taken", detail: "Taken." };
    const answers: [number, string][] = [
      [200, JSON.stringify({ ...stored, status: 409, code: "use_taken" })],
      [200, JSON.stringify({ ...stored, status: 500 })],
      [200, "{}"],
      [200, '{"accepted":1,"rej'],
      [409, JSON.stringify({ ...taken, code: "mac_invalid" })],
      [409, JSON.stringify(stored)],
    ];
    for (const [status, body] of answers) {
      eu.intercept = ({ url }) => {
        if (!url.endsWith("/logs")) return undefined;
        const type = status === 200 ? "application/json" : "application/problem+json";
        return new Response(body, { status, headers: { "content-type": type } });
      };
      const outcomes = await send();
      assertEquals([told(outcomes)[0], told(outcomes)[2]], [UNKNOWN, UNKNOWN], body);
      assertEquals([outcomes[0]?.status, outcomes[1]?.status], [503, 200], body);
    }
    // What a refusal says besides is left behind.
    eu.intercept = ({ url }) =>
      url.endsWith("/logs")
        ? Response.json({ ...taken, status: 200, accepted: 1, who: "alice" }, {
          status: 409,
          headers: { "content-type": "application/problem+json" },
        })
        : undefined;
    const [first] = await send();
    assertEquals(first, {
      type: "about:blank",
      title: "The use is taken",
      status: 409,
      code: "use_taken",
      detail: "Taken.",
    });
    eu.intercept = undefined;
    assertEquals(told(await send()), [NEW, AGAIN, NEW, AGAIN]);
    await assertStoredAtHome(mixed);
  }));
