import { assertEquals } from "@std/assert";
import {
  APP,
  countStored,
  RegionDeployment,
  type RegionOptions,
  type RegionService,
} from "../../support/service/region_service.ts";

interface Travelled {
  readonly deployment: RegionDeployment;
  /** Where the token is from. */
  readonly eu: RegionService;
  /** Where the log lands. */
  readonly us: RegionService;
  /** Sends one more log of eu's token to a region: its status, code and whether it was a replay. */
  readonly send: (to: RegionService, log?: number) => Promise<[number, string | null]>;
}

/** A client that took a token in eu and has two logs ready, of which none was sent. */
async function withTraveller(
  options: { us?: RegionOptions; euAt?: (eu: RegionService) => string },
  body: (travelled: Travelled) => Promise<void>,
): Promise<void> {
  const deployment = new RegionDeployment();
  try {
    const eu = await deployment.start("eu", () => ({ us: us.url }));
    const us: RegionService = await deployment.start(
      "us",
      () => ({ eu: options.euAt?.(eu) ?? eu.url }),
      options.us,
    );
    const inits: { path: string; init: RequestInit }[] = [];
    for (const subject of ["alice", "bob"]) {
      const { client, logs } = deployment.client(subject, () => eu);
      // The answer is lost before the service has the log, so that the final bytes are all that there is of it.
      eu.intercept = (request) =>
        request.url.endsWith("/logs") ? new Response(null, { status: 500 }) : undefined;
      client.log("app_opened", {});
      await client.flush();
      await client.close();
      inits.push(logs[0]!);
    }
    eu.intercept = undefined;
    await body({
      deployment,
      eu,
      us,
      async send(to, log = 0) {
        const response = await fetch(to.url + inits[log]!.path, inits[log]!.init);
        const answer = await response.json();
        return [response.status, answer.code ?? response.headers.get("dit-replayed")];
      },
    });
  } finally {
    await deployment.close();
  }
}

const UNAVAILABLE: [number, string] = [503, "store_unavailable"];

Deno.test("a dead home region: 503, nothing is stored, and the same bytes are taken once it is back", () =>
  withTraveller({}, async ({ eu, us, send }) => {
    await (await fetch(`${us.url}/v1/apps/${APP}/keys`)).body?.cancel();
    await eu.stop();
    for (let index = 0; index < 3; index++) assertEquals(await send(us), UNAVAILABLE);
    assertEquals(await us.rows(), []);
    eu.start();
    assertEquals(await send(us), [200, null]);
    assertEquals(await send(us), [200, "?1"]);
    assertEquals(await countStored(eu), { claims: 1, logs: 1 });
    assertEquals(await us.rows(), []);
  }));

Deno.test("a region that was never reached: its keys may be any, so an unknown one is 503 and not 401", () =>
  withTraveller({}, async ({ deployment, eu, us, send }) => {
    await eu.stop();
    assertEquals(await send(us), UNAVAILABLE);
    eu.start();
    deployment.clock.seconds += 5;
    assertEquals(await send(us), [200, null]);
  }));

Deno.test("a slow home region: 503, and the log that it took all the same is a replay later", () =>
  withTraveller({ us: { forwardMs: 2_000 } }, async ({ eu, us, send }) => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    let landed: Promise<unknown> = Promise.resolve();
    eu.intercept = (request) => {
      if (!request.url.endsWith("/logs")) return undefined;
      eu.intercept = undefined;
      // The log is taken at once; only the answer is late.
      const taken = request.arrayBuffer().then(async (body) => {
        const url = eu.url + new URL(request.url).pathname;
        await (await fetch(url, { method: "POST", headers: request.headers, body })).body?.cancel();
      });
      landed = taken;
      return released.then(() => new Response("{}", { headers: { "content-type": "application/json" } }));
    };
    assertEquals(await send(us), UNAVAILABLE);
    release();
    await landed;
    assertEquals(await send(us), [200, "?1"]);
    assertEquals(await countStored(eu), { claims: 1, logs: 1 });
    assertEquals(await us.rows(), []);
  }));

Deno.test("a region that hangs holds a bounded number of logs, and others are refused at once", () =>
  withTraveller({ us: { forwardMs: 60_000 } }, async ({ eu, us, send }) => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    // What is refused is refused for the number of logs, and not because a busy machine asks for the keys too slowly.
    await (await fetch(`${us.url}/v1/apps/${APP}/keys`)).body?.cancel();
    eu.intercept = async (request) => {
      if (request.url.endsWith("/logs")) await released;
      return undefined;
    };
    const sent = Array.from({ length: 300 }, () => send(us));
    let refused = 0;
    for (const answer of sent) void answer.then(([status]) => status === 503 && refused++);
    while (refused < 300 - 256) await new Promise((resolve) => setTimeout(resolve, 10));
    assertEquals(refused, 300 - 256);
    release();
    const answers = await Promise.all(sent);
    assertEquals(answers.filter(([status]) => status === 200).length, 256);
    assertEquals(await countStored(eu), { claims: 1, logs: 1 });
  }));

Deno.test("a home region with another secret serves what is sent on like any client's request", () =>
  withTraveller({ us: { token: "another-secret-than-the-other-regions-0" } }, async ({ eu, us, send }) => {
    assertEquals(await send(us), [200, null]);
    assertEquals(await countStored(eu), { claims: 1, logs: 1 });
    // And each has the other's keys, though both ask at the same time: neither waits for the other's view of itself.
    const directories = await Promise.all(
      [eu, us].map(async ({ url }) => await (await fetch(`${url}/v1/apps/${APP}/keys`)).json()),
    );
    for (const directory of directories) {
      const regions = directory["token-keys"].map((key: { region: string }) => key.region);
      assertEquals([...new Set(regions)].toSorted(), ["eu", "us"]);
    }
  }));

async function testLoop(us: RegionOptions): Promise<void> {
  // The URL of eu that us has leads to asia, and asia's leads back to us. Both know eu's keys from before.
  let astray = false;
  let asia: RegionService | undefined;
  await withTraveller({ us, euAt: (eu) => astray ? asia!.url : eu.url }, async (travelled) => {
    const { deployment, eu, us, send } = travelled;
    const lost = asia = await deployment.start("asia", () => ({ eu: astray ? us.url : eu.url }));
    for (const { url } of [us, lost]) await (await fetch(`${url}/v1/apps/${APP}/keys`)).body?.cancel();
    astray = true;
    for (const region of [us, lost, eu]) region.received.length = 0;
    assertEquals(await send(us), UNAVAILABLE);
    assertEquals([us.received.length, lost.received.length, eu.received.length], [1, 1, 0]);
    assertEquals([await us.rows(), await lost.rows()], [[], []]);
    astray = false;
    assertEquals(await send(us), [200, null]);
  });
}

Deno.test("a loop: a log is sent on once, then 503", () => testLoop({}));

Deno.test("a loop of regions whose secrets differ ends as soon", () =>
  testLoop({ token: "another-secret-than-the-other-regions-0" }));

Deno.test("what is no answer of the service is not taken for one: 503, and the client tries again", () =>
  withTraveller({}, async ({ eu, us, send }) => {
    const problem = (status: number, code: string) =>
      Response.json({ status, code }, { status, headers: { "content-type": "application/problem+json" } });
    const answers: (() => Response)[] = [
      () => new Response("<h1>Not found</h1>", { status: 404, headers: { "content-type": "text/html" } }),
      () => new Response("<h1>Welcome</h1>", { headers: { "content-type": "text/html" } }),
      () => new Response(null, { status: 204 }),
      () => new Response(null, { status: 307, headers: { location: "https://elsewhere.example/" } }),
      () => new Response("bad gateway", { status: 502 }),
      // Another service of ours, on which the application does not exist: its 404 would stop clients for good.
      () => problem(404, "app_unknown"),
      () => problem(404, "route_unknown"),
      () => problem(405, "method_not_allowed"),
      () =>
        new Response(new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(65_536)) }), {
          headers: { "content-type": "application/json" },
        }),
    ];
    for (const answer of answers) {
      eu.intercept = (request) => request.url.endsWith("/logs") ? answer() : undefined;
      assertEquals(await send(us), UNAVAILABLE);
    }
    eu.intercept = (request) =>
      request.url.endsWith("/logs")
        ? new Response('{"code":"overloaded"}', {
          status: 429,
          headers: {
            "content-type": "application/problem+json",
            "retry-after": "7",
            "set-cookie": "id=1",
            "x-request-id": "1",
          },
        })
        : undefined;
    assertEquals(await send(us), [429, "overloaded"]);
    eu.intercept = undefined;
    assertEquals(await send(us), [200, null]);
    assertEquals(await us.rows(), []);
  }));

Deno.test("a directory of another region that clients would refuse is not passed on", async () => {
  const deployment = new RegionDeployment();
  try {
    const eu = await deployment.start("eu", () => ({ us: us.url }));
    const us: RegionService = await deployment.start("us", () => ({ eu: eu.url }));
    const own = await (await fetch(`${us.url}/v1/apps/${APP}/keys`, { headers: { "dit-hop": "x" } })).json();
    const euKeys = await (await fetch(`${eu.url}/v1/apps/${APP}/keys`, { headers: { "dit-hop": "x" } }))
      .json();
    const [key] = own["token-keys"];
    const fine = own["token-keys"][1];
    const at = (epoch: number) => {
      const start = epoch * own["epoch-seconds"];
      const end = start + own["epoch-seconds"];
      return { ...key, epoch, "not-before": start, "issue-until": end, "redeem-until": end };
    };
    const listed = [
      { ...key, region: "eu" },
      { ...key, epoch: key.epoch + 1 },
      { ...key, "issue-until": key["issue-until"] + 1 },
      { ...key, "issue-until": key["issue-until"] - 1 },
      { ...key, "not-before": key["not-before"] + 1 },
      { ...key, "redeem-until": key["redeem-until"] + 1 },
      at(key.epoch + 9),
      at(key.epoch + 1_000_000),
      { ...key, "redeem-until": key["redeem-until"] + 86_400 * 9 },
      { ...key, "not-before": "1" },
      { ...key, generation: -1 },
      { ...key, "token-key": "AAAA" },
      { ...key, "token-type": 7 },
      // Another region's key under the name of one of this region's own, and one name twice.
      { ...euKeys["token-keys"][0], region: "us" },
      fine,
      { ...fine, "token-key": key["token-key"] },
      null,
      7,
    ];
    us.intercept = () => Response.json({ ...own, "token-keys": listed });
    const directory = await (await fetch(`${eu.url}/v1/apps/${APP}/keys`)).json();
    const others = directory["token-keys"].filter((key: { region: string }) => key.region !== "eu");
    assertEquals(others, [fine]);
    // And one that is no directory at all leaves what is known.
    deployment.clock.seconds += 3_700;
    for (const text of ["", "null", "[]", '{"token-keys":{}}', "<html>"]) {
      us.intercept = () => new Response(text);
      const again = await (await fetch(`${eu.url}/v1/apps/${APP}/keys`)).json();
      assertEquals(again["token-keys"].length, directory["token-keys"].length, text);
      deployment.clock.seconds += 3_700;
    }
  } finally {
    await deployment.close();
  }
});
