/** What a page's requests share in Chromium, where nobody but the browser chooses: with one host, and with two. */
import { assertEquals } from "@std/assert";
import { X509Certificate } from "node:crypto";
import { makeCertificates } from "../deploy/certificates.ts";
import { type Chromium, startChromium, testWithChromium } from "../support/browser/chromium.ts";
import { startService } from "../support/client/client_service.ts";
import { type Link, linksOf } from "../support/client/linked_requests.ts";
import { type WatchedRequest, watchSockets } from "../support/client/watched_sockets.ts";

const ROOT = new URL("../../", import.meta.url);
const PROGRAM = new URL("../sdk/connected.mjs", import.meta.url);

/** SHA-256 of a certificate's public key, by which Chromium is told to take it. */
async function pinOf(pem: string): Promise<string> {
  const key = new X509Certificate(pem).publicKey.export({ type: "spki", format: "der" });
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(key))).toBase64();
}

/** An app's page, which has the client and the program of tests/sdk. */
async function servePage(folder: string): Promise<{ url: string } & AsyncDisposable> {
  const bundled = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--unstable-bundle", "--allow-all", "cli/bundle_client.ts", folder],
    cwd: ROOT,
  }).output();
  if (!bundled.success) throw new Error(new TextDecoder().decode(bundled.stderr));
  const modules: Record<string, string | URL> = {
    "/client.js": `${folder}/.dit/client.js`,
    "/connected.mjs": PROGRAM,
    "/frame_fetch.js": new URL("examples/browser/frame_fetch.js", ROOT),
  };
  const server = Deno.serve({ hostname: "localhost", port: 0, onListen: () => {} }, async (request) => {
    const file = modules[new URL(request.url).pathname];
    if (file === undefined) {
      return new Response("<!doctype html>", { headers: { "content-type": "text/html" } });
    }
    return new Response(await Deno.readTextFile(file), { headers: { "content-type": "text/javascript" } });
  });
  return { url: `http://localhost:${server.addr.port}/`, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** How the hosts are set up. */
type Hosts =
  | "one host"
  | "one host and a frame"
  | "two hosts with one certificate"
  | "two hosts with a certificate each";

/** What links the requests of a page's client. */
async function linksIn(
  chromium: Chromium,
  page: string,
  pems: readonly string[],
  hosts: Hosts,
): Promise<Link[]> {
  const test = await startService();
  const requests: WatchedRequest[] = [];
  const watch = (pem: string | undefined) =>
    watchSockets({ service: test, pem, onRequest: (request) => requests.push(request) });
  const [both, own] = pems;
  await using first = watch(both);
  await using second = watch(own);
  const places: Record<Hosts, object> = {
    "one host": { endpoint: `https://tokens.test:${first.port}` },
    "one host and a frame": { endpoint: `https://tokens.test:${first.port}` },
    "two hosts with one certificate": {
      issueEndpoint: `https://tokens.test:${first.port}`,
      logEndpoint: `https://logs.test:${first.port}`,
    },
    "two hosts with a certificate each": {
      issueEndpoint: `https://tokens.test:${first.port}`,
      logEndpoint: `https://logs.test:${second.port}`,
    },
  };
  const plan = {
    places: places[hosts],
    jwts: await Promise.all(["alice", "bob"].map(test.signIn)),
    now: test.clock.now,
    dropUrls: [first.dropUrl, second.dropUrl],
  };
  const tab = await chromium.context.newPage();
  await tab.goto(page);
  await tab.evaluate(async ({ plan, hasFrame }) => {
    // Modules of the page, not of this test.
    const at = (path: string) => import(path);
    const options = hasFrame ? { fetch: (await at("/frame_fetch.js")).frameFetch() } : {};
    await (await at("/connected.mjs")).run((await at("/client.js")).DitClient, plan, options);
  }, { plan, hasFrame: hosts === "one host and a frame" });
  await tab.close();
  await test.close();
  const owners = (step: string) =>
    new Set(requests.filter((request) => request.step === step).map(({ owner }) => owner)).size;
  assertEquals([owners("logs"), owners("tokens")], [3, 2], JSON.stringify(requests));
  return linksOf(requests);
}

const EXPECTED: Record<Hosts, Link[]> = {
  "one host": ["accounts", "pseudonyms", "requests", "resumption", "steps"],
  "one host and a frame": ["accounts", "pseudonyms", "requests", "resumption"],
  "two hosts with one certificate": ["accounts", "pseudonyms", "requests", "resumption", "steps"],
  "two hosts with a certificate each": ["accounts", "pseudonyms", "requests", "resumption"],
};

testWithChromium(
  "two hosts with a certificate each keep the steps apart in Chromium, or a frame, and nothing else does",
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      const certificates = await makeCertificates(folder, {
        both: "tokens.test,DNS:logs.test",
        own: "logs.test",
      });
      const pems = await Promise.all(
        ["both", "own"].map((name) => Deno.readTextFile(`${certificates.folder}/${name}.pem`)),
      );
      await using page = await servePage(folder);
      const pins = await Promise.all(pems.map(pinOf));
      for (const [hosts, expected] of Object.entries(EXPECTED) as [Hosts, Link[]][]) {
        await using chromium = await startChromium({
          flags: [
            "--host-resolver-rules=MAP *.test 127.0.0.1",
            `--ignore-certificate-errors-spki-list=${pins.join(",")}`,
          ],
        });
        assertEquals(await linksIn(chromium, page.url, pems, hosts), expected, hosts);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
