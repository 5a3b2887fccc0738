import { assert, assertEquals, assertThrows } from "@std/assert";
import { warnOfHosts } from "../../boot/hosts.ts";
import { EnvironmentError, readSettings, type Settings } from "../../boot/settings.ts";

const SEAL_KEY = new Uint8Array(32).fill(7).toBase64();
const REGION_TOKEN = "the-secret-of-all-regions-32-characters";
/** The least that production needs. */
const PRODUCTION = { DIT_KV: "/data/kv.sqlite3", DIT_SEAL_KEYS: SEAL_KEY };
const REGIONS = {
  ...PRODUCTION,
  DIT_REGION: "eu",
  DIT_REGIONS: "eu=https://eu.example,us=https://us.example/",
  DIT_REGION_TOKEN: REGION_TOKEN,
};

function read(variables: Record<string, string>): Settings {
  return readSettings((name) => variables[name]);
}

function mistakesOf(variables: Record<string, string>): readonly string[] {
  const { mistakes }: EnvironmentError = assertThrows(() => read(variables), EnvironmentError);
  // A mistake names the variable, and never repeats a value: it may be a secret.
  for (const value of Object.values(variables)) {
    if (value.length > 8) assert(!mistakes.join().includes(value), mistakes.join());
  }
  return mistakes.map((mistake) => /^Set (\w+)/.exec(mistake)?.[1] ?? mistake);
}

Deno.test("readSettings() needs nothing in development", () => {
  const settings = read({ DIT_ENV: "development" });
  assertEquals(settings.development, true);
  assertEquals([settings.port, settings.host, settings.kv], [8000, "127.0.0.1", ".dit/kv.sqlite3"]);
  assertEquals([settings.region, settings.regions.size, settings.trustedHops], ["local", 0, 0]);
  assertEquals([settings.issueHost, settings.logHost, settings.logRequests], [undefined, undefined, false]);
});

Deno.test("readSettings() is for production unless it is told otherwise, with a throttle", () => {
  const settings = read(PRODUCTION);
  assertEquals([settings.development, settings.host, settings.requestsPerSecond], [false, "0.0.0.0", 100]);
  assertEquals(settings.sealKeys, [new Uint8Array(32).fill(7)]);
  assertEquals(read({ ...PRODUCTION, DIT_THROTTLE: "5000" }).requestsPerSecond, 5_000);
  assertEquals(settings.suiteKernel, "wasm");
  assertEquals(read({ ...PRODUCTION, DIT_SUITE_KERNEL: "libsodium" }).suiteKernel, "libsodium");
});

Deno.test("readSettings() says every mistake at once, and repeats no value", () => {
  assertEquals(mistakesOf({}), ["DIT_KV", "DIT_SEAL_KEYS"]);
  assertEquals(
    mistakesOf({
      DIT_ENV: "staging-who",
      DIT_KV: "x",
      DIT_SEAL_KEYS: "AAAA-secret-secret",
      DIT_REGION: "Europe-West",
      DIT_REGIONS: "https://who.example",
      DIT_REGION_TOKEN: "too-short-secret",
      DIT_TRUSTED_HOPS: "all-of-them",
      DIT_THROTTLE: "unlimited",
      DIT_ISSUE_HOST: "https://tokens.example",
      DIT_LOG_HOST: "logs.example:443/x",
      DIT_LOG: "everything",
      DIT_SUITE_KERNEL: "assembly",
      PORT: "port-99999",
    }).toSorted(),
    [
      "DIT_ENV",
      "DIT_ISSUE_HOST",
      "DIT_LOG",
      "DIT_LOG_HOST",
      "DIT_REGION",
      "DIT_REGIONS",
      "DIT_REGION_TOKEN",
      "DIT_SEAL_KEYS",
      "DIT_SUITE_KERNEL",
      "DIT_THROTTLE",
      "DIT_TRUSTED_HOPS",
      "PORT",
    ],
  );
});

Deno.test("readSettings() reads regions and passes its own over", () => {
  const settings = read(REGIONS);
  assertEquals([settings.region, settings.regionToken], ["eu", REGION_TOKEN]);
  assertEquals([...settings.regions], [["us", "https://us.example"]]);
});

Deno.test("readSettings() refuses regions without a name of its own, and secrets that no header can hold", () => {
  const { DIT_REGION: _, ...nameless } = REGIONS;
  assertEquals(mistakesOf(nameless), ["DIT_REGION"]);
  assertEquals(mistakesOf({ ...REGIONS, DIT_REGION: "asia" }), ["DIT_REGION"]);
  for (const token of ["x".repeat(31), "sécret".repeat(10), `${"x".repeat(40)} y`, `${"x".repeat(40)}\n`]) {
    assertEquals(mistakesOf({ ...REGIONS, DIT_REGION_TOKEN: token }), ["DIT_REGION_TOKEN"]);
    assertEquals(mistakesOf({ ...PRODUCTION, DIT_REGION_TOKEN: token }), ["DIT_REGION_TOKEN"]);
  }
  for (
    const regions of ["eu", "eu=ftp://x", "eu=https://a b", "eu=https://a?b", "eu=https://a,eu=https://b"]
  ) {
    assertEquals(mistakesOf({ ...REGIONS, DIT_REGIONS: regions }), ["DIT_REGIONS"]);
  }
  const named = (count: number) =>
    ["eu", ...Array.from({ length: count - 1 }, (_, index) => `r${index}`)]
      .map((name) => `${name}=https://${name}.example`).join();
  assertEquals(read({ ...REGIONS, DIT_REGIONS: named(16) }).regions.size, 15);
  assertEquals(mistakesOf({ ...REGIONS, DIT_REGIONS: named(17) }), ["DIT_REGIONS"]);
});

Deno.test("readSettings() keeps the secret of the hop off plain HTTP, except on this machine", () => {
  const plain = { ...REGIONS, DIT_REGIONS: "eu=https://eu.example,us=http://us.example" };
  assertEquals(mistakesOf(plain), ["DIT_REGIONS"]);
  assertEquals(mistakesOf({ ...plain, DIT_REGIONS: "eu=https://e,us=http://127.0.0.1.evil.example" }), [
    "DIT_REGIONS",
  ]);
  assertEquals(read({ ...plain, DIT_REGIONS: "eu=https://e,us=http://127.0.0.1:81" }).regions.size, 1);
  assertEquals(read({ ...plain, DIT_ENV: "development" }).regions.size, 1);
});

Deno.test("readSettings() takes two different hosts for the two steps, in any case, and tells clients of them", () => {
  const hosts = { ...PRODUCTION, DIT_ISSUE_HOST: "Tokens.Example", DIT_LOG_HOST: "logs.example:8443" };
  const { issueHost, logHost, endpoints } = read(hosts);
  assertEquals([issueHost, logHost], ["tokens.example", "logs.example"]);
  assertEquals(endpoints, { issuing: "https://tokens.example", logging: "https://logs.example:8443" });
  assertEquals(read(PRODUCTION).endpoints, { issuing: undefined, logging: undefined });
  const local = { DIT_ENV: "development", DIT_LOG_HOST: "logs.localhost:8000" };
  assertEquals(read(local).endpoints, { issuing: undefined, logging: "http://logs.localhost:8000" });
  for (
    const host of [
      "",
      "a b",
      "x.example:443",
      "x.example:0x1",
      "user@x.example",
      "x.example/",
      "https://x.example",
    ]
  ) {
    assertEquals(mistakesOf({ ...PRODUCTION, DIT_LOG_HOST: host }), ["DIT_LOG_HOST"], host);
  }
  // Two ports of one host are one host: its certificate covers both.
  const same = { DIT_ISSUE_HOST: "x.example", DIT_LOG_HOST: "X.example:8443" };
  assertEquals(mistakesOf({ ...PRODUCTION, ...same }), ["DIT_ISSUE_HOST"]);
});

Deno.test("warnOfHosts() says at the start that no client of one endpoint would go to both hosts", () => {
  const linesOf = (issue: string, logs: string) => {
    const lines: unknown[] = [];
    warnOfHosts(
      read({ ...PRODUCTION, DIT_ISSUE_HOST: issue, DIT_LOG_HOST: logs }),
      (event) => lines.push(event),
    );
    return lines;
  };
  const fitting = [
    ["tokens.a.example", "logs.a.example"],
    ["tokens.a.example:8443", "logs.a.example:8443"],
    ["a.example", "logs.a.example"],
    ["tokens.a.example", "a.example"],
  ] as const;
  for (const [issue, logs] of fitting) assertEquals(linesOf(issue, logs), [], issue);
  const foreign = [
    ["acs.a.example", "dit.a.example"],
    ["tokens.a.example", "logs.b.example"],
    ["tokens.a.example", "logs.a.example:8443"],
    ["logs.a.example", "tokens.a.example"],
    ["a.tokens.example", "a.logs.example"],
  ] as const;
  for (const [issue, logs] of foreign) assertEquals(linesOf(issue, logs), ["warning"], issue);
});

Deno.test("readSettings() takes the operators' host as a name alone", () => {
  assertEquals(read({ ...PRODUCTION, DIT_ADMIN_HOST: "Console.Example" }).adminHost, "console.example");
  for (const host of ["", "a b", "console.example:8000", "https://console.example"]) {
    assertEquals(mistakesOf({ ...PRODUCTION, DIT_ADMIN_HOST: host }), ["DIT_ADMIN_HOST"], host);
  }
});

Deno.test("readSettings() reads a few trusted proxies", () => {
  assertEquals(read({ ...PRODUCTION, DIT_TRUSTED_HOPS: "2" }).trustedHops, 2);
  const networks = read({ ...PRODUCTION, DIT_TRUSTED_PROXIES: "10.0.0.0/8, 2001:db8::/32,192.0.2.1" });
  assertEquals(networks.trustedProxies.map(({ bits }) => bits), [104, 32, 128]);
  for (const hops of ["-1", "10", "1.5", "", " 1"]) {
    assertEquals(mistakesOf({ ...PRODUCTION, DIT_TRUSTED_HOPS: hops }), ["DIT_TRUSTED_HOPS"]);
  }
  for (const proxies of ["", "10.0.0.1/8", "0.0.0.0/0", "10.9.0.0/16,", "proxy.example", "10.0.0.0/8;::1"]) {
    assertEquals(mistakesOf({ ...PRODUCTION, DIT_TRUSTED_PROXIES: proxies }), ["DIT_TRUSTED_PROXIES"]);
  }
});

Deno.test("readSettings() takes a path, or a URL of PostgreSQL or KV Connect for the store, and no other kind", () => {
  for (
    const kv of [
      "ftp://x",
      "file:///kv.sqlite3",
      "mysql://x/y",
      "POSTGRES://u:p@x/y",
      " postgres://x/y",
      "postgres:/u:p@x/y",
    ]
  ) {
    assertEquals(mistakesOf({ ...PRODUCTION, DIT_KV: kv }), ["DIT_KV"], kv);
  }
  for (
    const kv of ["kv.sqlite3", "/a/b:c", ":memory:", "https://x", "http://127.0.0.1:1", "postgres://x/y"]
  ) {
    assertEquals(read({ ...PRODUCTION, DIT_KV: kv }).kv, kv);
  }
});

Deno.test("readSettings() takes a replica in PostgreSQL alone", () => {
  for (const replica of ["kv.sqlite3", "https://user:s3cret@host/store", ":memory:"]) {
    assertEquals(mistakesOf({ ...PRODUCTION, DIT_KV_READ: replica }), ["DIT_KV_READ"]);
  }
  assertEquals(read({ ...PRODUCTION, DIT_KV_READ: "postgres://a,b/dit" }).kvRead, "postgres://a,b/dit");
  assertEquals(read(PRODUCTION).kvRead, undefined);
});
