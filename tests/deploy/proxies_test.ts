/** The configurations of deploy/, each in the proxy that it is for: what passes, what does not, and what is left behind. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ROUTE_KINDS } from "../../edge/strip.ts";
import { HELD, isEnded } from "./held.ts";
import { digestOf, type Mirror, openMirror } from "./mirror.ts";
import { canRun, makePlace, type Place } from "./places.ts";
import { canCheck, checkShipped, HOSTS, PROXIES, type Proxy, type RunningProxy } from "./proxies.ts";
import { askCoalesced, askOpenssl, openReach, type Way } from "./reach.ts";

/** A proxy that runs as it is shipped, in front of a mirror. */
interface Scene {
  readonly proxy: Proxy;
  readonly place: Place;
  readonly mirror: Mirror;
  readonly way: RunningProxy & Way;
}

/** What has to hold for each of them. */
interface Property {
  readonly name: string;
  readonly holds: (scene: Scene) => Promise<void>;
}

const VERSIONS = ["h2", "http/1.1"] as const;
const TOKENS = `https://${HOSTS.tokens}`;
const LOGS = `https://${HOSTS.logs}`;
/** An address of this machine that nothing else here has. */
const SENDER = "127.77.0.9";

/** The text of a request of HTTP/1.1, after which the server closes. */
function requestText(host: string, path: string, fields: readonly string[] = [], body = ""): string {
  const length = body === "" ? [] : [`Content-Length: ${body.length}`];
  const lines = [`${body === "" ? "GET" : "POST"} ${path} HTTP/1.1`, `Host: ${host}`, ...length, ...fields];
  return `${lines.join("\r\n")}\r\nConnection: close\r\n\r\n${body}`;
}

const servesEachHostItsPaths: Property = {
  name: "each host has what it is for, over HTTP/2 and HTTP/1.1, and nothing else of the service",
  async holds({ way, mirror }) {
    const own = [
      `${TOKENS}/v1/apps/demo/tokens`,
      `${LOGS}/v1/apps/demo/logs`,
      `${LOGS}/v1/apps/demo/keys`,
      `${TOKENS}/v1/apps/demo/keys/history`,
    ];
    const others = [
      "/",
      "/admin/v1/keys",
      "/console",
      "/metrics",
      "/readyz",
      "/healthz",
      "/openapi",
      "/dev/session",
    ];
    const strange = [
      "/acs/v1/apps/demo/redeem",
      "/v1/apps/demo/logs/",
      "/v1/apps/de%6do/keys",
      "/v1/apps/demo/tokens/history",
      "/v1/apps/demo/keys/history/",
      "/v1//apps/demo/keys",
    ];
    for (const version of VERSIONS) {
      await using reach = openReach(way, version);
      const ask = async (url: string, init?: RequestInit) => {
        const answer = await reach.fetch(url, init);
        await answer.body?.cancel();
        return answer.status;
      };
      for (const url of own) {
        assertEquals([url, await ask(url, { method: "POST", body: "{}" })], [url, 200]);
        assertEquals([url, await ask(url, { method: "OPTIONS" })], [url, 200]);
      }
      const before = mirror.arrived.length;
      const refused = [...others, ...strange].flatMap((path) => [TOKENS + path, LOGS + path]);
      refused.push(`${TOKENS}/v1/apps/demo/logs`, `${LOGS}/v1/apps/demo/tokens`);
      for (const url of refused) assertEquals([url, await ask(url)], [url, 404]);
      assertEquals(mirror.arrived.length, before);
    }
    // What no `fetch` sends.
    const raw = ["/v1/apps/../../admin/v1/keys", "/v1/apps/demo/keys/../../../admin", "/v1\\apps/demo/keys"];
    for (const path of [...raw, "/%61dmin/v1/keys", "/v1/apps/demo/keys/."]) {
      const before = mirror.arrived.length;
      assertMatch(
        (await askOpenssl(way, HOSTS.logs, requestText(HOSTS.logs, path))).text,
        /HTTP\/1\.. 40[04] /,
      );
      assertEquals(mirror.arrived.length, before, path);
    }
  },
};

const misdirects: Property = {
  name:
    "a connection that was opened for one host carries nothing for another: 421, and no handshake for a stranger",
  async holds({ way, mirror }) {
    const before = mirror.arrived.length;
    const path = "/v1/apps/demo/keys";
    for (const [host, other] of [[HOSTS.tokens, HOSTS.logs], [HOSTS.logs, HOSTS.tokens]] as const) {
      for (const authority of [other, "stranger.example"]) {
        assertEquals(await askCoalesced(way, { host, authority, path }), 421, `${host} ${authority}`);
        const { text } = await askOpenssl(way, host, requestText(authority, path));
        assertMatch(text, /HTTP\/1\.. 421 /);
      }
    }
    assertEquals(mirror.arrived.length, before);
    const stranger = await askOpenssl(way, "stranger.example", requestText("stranger.example", path));
    assertEquals(stranger.resumed, undefined);
    const nameless = await askOpenssl(way, HOSTS.logs, requestText(HOSTS.logs, path), "-noservername");
    assertEquals(nameless.text.includes("HTTP/1.1 200"), false);
    for (const host of [HOSTS.tokens, HOSTS.logs]) {
      const { text } = await askOpenssl(way, host, requestText(host, path));
      assertMatch(text, /HTTP\/1\.. 200 /);
      // Its own certificate and no other: a browser joins hosts that one certificate covers.
      assertStringIncludes(text, `subject=CN = ${host === HOSTS.tokens ? "tokens" : "logs"}`);
    }
  },
};

/** Whether a session of one host is resumed, on it and on the other, by version of TLS. */
async function resumptions(way: Way, place: Place, name: string): Promise<string[]> {
  const found: string[] = [];
  const folder = await place.make(`sessions-${name}`);
  for (const version of ["-tls1_2", "-tls1_3"]) {
    for (const host of [HOSTS.tokens, HOSTS.logs]) {
      const session = `${folder}/${host}${version}`;
      const ask = (to: string, ...options: string[]) =>
        askOpenssl(way, to, requestText(to, "/v1/apps/demo/keys"), version, ...options);
      const first = await ask(host, "-sess_out", session);
      assertEquals(first.resumed, false, first.text);
      const kept = await Deno.stat(session).then(() => true, () => false);
      // There is no session to show where the server gave none.
      for (const to of kept ? [HOSTS.tokens, HOSTS.logs] : []) {
        if ((await ask(to, "-sess_in", session)).resumed === true) found.push(`${version} ${host} at ${to}`);
      }
    }
  }
  return found;
}

const resumesNothing: Property = {
  name: "no session is resumed, on its own host or on the other",
  async holds({ proxy, place, way }) {
    assertEquals(await resumptions(way, place, proxy.name), []);
  },
};

/** What a client, or something between, may write to say who it is. */
const IDENTIFYING = [
  ...[
    "X-Real-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Fastly-Client-IP",
  ],
  ...[
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Port",
    "Forwarded",
    "Via",
    "X-Request-Id",
    "Request-Id",
  ],
  ...[
    "X-Correlation-Id",
    "Traceparent",
    "Tracestate",
    "B3",
    "Baggage",
    "Cookie",
    "User-Agent",
    "Accept-Language",
  ],
  ...["Referer", "Origin", "From", "Sec-CH-UA", "DNT", "Priority", "CDN-Loop", "X-Amzn-Trace-Id"],
];

const setsTheAddress: Property = {
  name:
    "the address is the connection's alone; nothing passes that says who somebody is, and nothing is added",
  async holds({ way, mirror }) {
    // Everything that the service reads of clients, by which it learns nothing that it shall not.
    const kinds = ROUTE_KINDS.filter(({ name }) => ["tokens", "logs", "keys", "schema"].includes(name));
    const read = [...new Set(kinds.flatMap(({ headers }) => headers)), "dit-hop"]
      .filter((name) => name !== "content-length");
    assert(read.length > 3);
    const fields = [
      "X-Forwarded-For: 192.0.2.7",
      "X-Forwarded-For: 192.0.2.8, 192.0.2.9",
      // Says that the field ends here (RFC 9110, section 7.6.1): the proxy's own must not.
      "Connection: X-Forwarded-For",
      ...IDENTIFYING.map((name) => `${name}: 192.0.2.7`),
      ...read.map((name) => `${name}: value of ${name}`),
    ];
    const before = mirror.arrived.length;
    const text = requestText(HOSTS.logs, "/v1/apps/demo/logs", fields, "{}");
    const answer = await askOpenssl(way, HOSTS.logs, text, "-bind", `${SENDER}:0`);
    assertMatch(answer.text, /HTTP\/1\.. 200 /);
    const [arrived, ...more] = mirror.arrived.slice(before);
    assertEquals(more, []);
    assertEquals(
      { ...arrived?.headers, connection: undefined },
      {
        host: HOSTS.logs,
        "content-length": "2",
        "x-forwarded-for": SENDER,
        ...Object.fromEntries(read.map((name) => [name, `value of ${name}`])),
        connection: undefined,
      },
    );
  },
};

const addsNothingToAnswers: Property = {
  name:
    "answers are not compressed, and carry nothing but what the service said, a date and the proxy's name",
  async holds({ way }) {
    for (const version of VERSIONS) {
      await using reach = openReach(way, version);
      const answer = await reach.fetch(`${LOGS}/v1/apps/demo/keys`, {
        headers: { "accept-encoding": "gzip, br, zstd" },
      });
      assertEquals((await answer.text()).length, 2_000);
      const names = new Set(answer.headers.keys());
      const known = ["connection", "content-length", "content-type", "date", "keep-alive", "server", "vary"];
      for (const name of known) names.delete(name);
      assertEquals([...names], []);
      assertEquals(answer.headers.get("content-length"), "2000");
    }
  },
};

const limitsBodies: Property = {
  name:
    "a body that the service itself would refuse passes, so that its answer says why; a larger one is 413",
  async holds({ way, mirror }) {
    for (const version of VERSIONS) {
      await using reach = openReach(way, version);
      for (
        const [size, status] of [[65_536, 200], [262_144, 200], [266_000, 200], [280_000, 413], [
          1_000_000,
          413,
        ]] as const
      ) {
        const before = mirror.arrived.length;
        const body = crypto.getRandomValues(new Uint8Array(65_536));
        const whole = new Uint8Array(size);
        for (let at = 0; at < size; at += body.length) whole.set(body.subarray(0, size - at), at);
        const answer = await reach.fetch(`${LOGS}/v1/apps/demo/logs`, { method: "POST", body: whole }).then(
          async (answer) => {
            await answer.body?.cancel();
            return answer.status;
          },
          // A server that closes while it is still written to may be noticed first.
          () => status === 413 ? 413 : "no answer",
        );
        assertEquals([version, size, answer], [version, size, status]);
        const digests = mirror.arrived.slice(before).map(({ digest }) => digest);
        assertEquals(digests, status === 200 ? [await digestOf(whole)] : []);
      }
      // Other requests are served as before.
      assertEquals(
        (await reach.fetch(`${LOGS}/v1/apps/demo/keys`).then((answer) => answer.text())).length,
        2_000,
      );
    }
  },
};

const asksOnceWhatWasAnswered: Property = {
  name: "an answer is never asked for a second time, 503 neither",
  async holds({ way, mirror }) {
    await using reach = openReach(way, "h2");
    for (let round = 0; round < 4; round++) {
      const before = mirror.arrived.length;
      const answer = await reach.fetch(`${LOGS}/v1/apps/busy/logs`, { method: "POST", body: "{}" });
      await answer.body?.cancel();
      assertEquals([answer.status, mirror.arrived.length - before], [503, 1]);
    }
  },
};

const triesAnotherProcess: Property = {
  name: "where a process closes without an answer, the same bytes go to another one or the client hears 502",
  async holds({ proxy, place }) {
    await using mirror = openMirror({ thirdCloses: true });
    await using way = await place.start(proxy, mirror.ports);
    for (const version of VERSIONS) {
      await using reach = openReach(way, version);
      const sent = new Set<string>();
      const statuses = new Map<number, number>();
      for (let round = 0; round < 24; round++) {
        const body = crypto.getRandomValues(new Uint8Array(round % 2 === 0 ? 300 : 12_000));
        sent.add(await digestOf(body));
        const answer = await reach.fetch(`${LOGS}/v1/apps/demo/logs`, { method: "POST", body });
        await answer.body?.cancel();
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      }
      // A body that arrived changed would be refused, and the client would send it once more under another use.
      assertEquals(mirror.arrived.filter(({ digest }) => digest === undefined || !sent.has(digest)), []);
      mirror.arrived.length = 0;
      statuses.delete(200);
      if (proxy.triesAgain) assertEquals([...statuses], [], version);
      else assertEquals([...statuses.keys()], [502], version);
    }
  },
};

const closesWhatIsHeld: Property = {
  name: "whoever asks for nothing, or never ends asking, is closed",
  async holds({ proxy, place }) {
    await using mirror = openMirror({ bodyDeadlineMs: 2_000 });
    await using way = await place.start(proxy, mirror.ports, "hasty");
    const held = HELD.filter(({ name }) => !proxy.endless.includes(name));
    await using others = openReach(way, "h2");
    const ended = Promise.all(held.map((kind) => isEnded(kind, way, 60_000)));
    // Everybody else is served meanwhile.
    const served = await others.fetch(`${LOGS}/v1/apps/demo/keys`).then((answer) => answer.text());
    assertEquals(served.length, 2_000);
    const ends = await ended;
    assertEquals(held.filter((_, index) => ends[index] === false).map(({ name }) => name), []);
    if (proxy.endless.length === 0) return;
    // Where nothing ends them, what one address may hold is bounded, and the next one hears so.
    const trickles = HELD.filter(({ name }) => proxy.endless.includes(name));
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    const holding: Promise<boolean>[] = [];
    await using reach = openReach(way, "http/1.1");
    let status = 200;
    // One more each time: what comes while another request is answered may be the one that is refused.
    for (let round = 0; status === 200 && round < 100; round++) {
      for (const kind of trickles) holding.push(isEnded(kind, way, 60_000, enough));
      const answer = await reach.fetch(`${LOGS}/v1/apps/demo/keys`);
      await answer.body?.cancel();
      status = answer.status;
    }
    assertEquals(status, 429);
    resolve();
    await Promise.all(holding);
  },
};

/** Asks in every way that a proxy might write down, from an address of its own. */
async function askFromSender(way: Way): Promise<void> {
  const from = (host: string, text: string, ...options: string[]) =>
    askOpenssl(way, host, text, "-bind", `${SENDER}:0`, ...options);
  const secret = ["Authorization: DIT key=canary"];
  await from(HOSTS.logs, requestText(HOSTS.logs, "/v1/apps/demo/logs", secret, "{}"));
  await from(HOSTS.logs, requestText(HOSTS.logs, "/v1/apps/busy/logs", secret, "{}"));
  await from(HOSTS.logs, requestText(HOSTS.logs, "/none"));
  await from(HOSTS.logs, requestText(HOSTS.tokens, "/v1/apps/demo/tokens"));
  await from(HOSTS.logs, requestText(HOSTS.logs, "/v1/apps/demo/logs", [`A: ${"a".repeat(40_000)}`]));
  await from(HOSTS.logs, "this is no request\r\n\r\n");
  await from("stranger.example", "");
  await from(
    HOSTS.logs,
    requestText(HOSTS.logs, "/v1/apps/demo/keys"),
    "-cipher",
    "ECDHE-RSA-AES128-SHA",
    "-tls1_2",
  );
}

const writesNothing: Property = {
  name: "no line tells a request or a connection from another, whatever went wrong with it",
  async holds({ proxy, place, mirror, way }) {
    await askFromSender(way);
    // A service that is gone, which a proxy is sure to complain about.
    const { ports } = mirror;
    await using alone = await place.start(proxy, [ports[0], 1, 1]);
    await askFromSender(alone);
    await askFromSender(alone);
    for (const said of [way.said(), alone.said()]) {
      for (const trace of [SENDER, "/v1/apps", "canary", "/none"]) {
        assert(!said.includes(trace), `${trace} stands in: ${said}`);
      }
    }
  },
};

const PROPERTIES: readonly Property[] = [
  servesEachHostItsPaths,
  misdirects,
  resumesNothing,
  setsTheAddress,
  addsNothingToAnswers,
  limitsBodies,
  asksOnceWhatWasAnswered,
  triesAnotherProcess,
  closesWhatIsHeld,
  writesNothing,
];

for (const proxy of PROXIES) {
  Deno.test(`${proxy.name}: the shipped configuration`, async (t) => {
    if (!await canRun(proxy)) return;
    await using place = await makePlace();
    await t.step("the proxy finds no mistake in the shipped files as they are", async () => {
      // deno-lint-ignore no-console -- a step that is passed over says why.
      if (!canCheck(proxy)) return console.log("passed over: only root may have nginx check a file as it is");
      const folder = await place.make("shipped");
      await Deno.symlink(place.certificates.folder, `${folder}/tls`);
      const { code, said } = await checkShipped(proxy, folder);
      assertEquals(code, 0, said);
    });
    await using mirror = openMirror();
    await using way = await place.start(proxy, mirror.ports);
    for (const { name, holds } of PROPERTIES) {
      await t.step(name, () => holds({ proxy, place, mirror, way }));
    }
    await t.step(
      "without the lines that forbid it, sessions of one host are resumed on the other, and addresses written down",
      async () => {
        await using careless = await place.start(proxy, mirror.ports, "careless");
        const found = await resumptions(careless, place, "careless");
        const crossing = found.filter((line) => line.includes(HOSTS.tokens) && line.includes(HOSTS.logs));
        assert(crossing.length > 0, found.join());
        await askFromSender(careless);
        assertStringIncludes(careless.said(), SENDER);
      },
    );
  });
}
