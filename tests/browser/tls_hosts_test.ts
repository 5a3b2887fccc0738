/** The client in a page over real TLS: tokens and logs on two hosts of a proxy, each with a certificate of its own. */
import { assertEquals } from "@std/assert";
import { X509Certificate } from "node:crypto";
import { canRun, makePlace } from "../deploy/places.ts";
import { HOSTS, PROXIES } from "../deploy/proxies.ts";
import { present } from "../support/base/present.ts";
import { testWithChromium } from "../support/browser/chromium.ts";
import { ExamplePage, setStage } from "../support/browser/example_page.ts";
import { serveElsewhere } from "../support/browser/other_origin.ts";
import { freePort } from "../support/processes/free_ports.ts";

const PLACE = `issue-endpoint=https://${HOSTS.tokens}&log-endpoint=https://${HOSTS.logs}`;

/** By what Chromium is told to take a certificate whose authority it does not know: SHA-256 of its public key. */
async function pinOf(pem: string): Promise<string> {
  const key = new X509Certificate(pem).publicKey.export({ type: "spki", format: "der" });
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(key))).toBase64();
}

testWithChromium(
  "a page sends tokens and logs through a proxy to two hosts with a certificate each",
  async () => {
    const nginx = present(PROXIES.find(({ name }) => name === "nginx"));
    if (!await canRun(nginx)) return;
    await using place = await makePlace();
    const port = freePort();
    await using way = await place.start(nginx, [port, port, port]);
    const pems = Object.keys(HOSTS).map((name) => `${place.certificates.folder}/${name}.pem`);
    const pins = await Promise.all(pems.map(async (pem) => pinOf(await Deno.readTextFile(pem))));
    await using stage = await setStage({
      port,
      // The proxy keeps the steps apart: a service in development would name its hosts without TLS.
      env: { DIT_TRUSTED_HOPS: "1" },
      flags: [
        `--host-resolver-rules=${
          [...Object.values(HOSTS), "other.example"].map((host) => `MAP ${host} 127.0.0.1:${way.port}`).join(
            ",",
          )
        }`,
        `--ignore-certificate-errors-spki-list=${pins.join(",")}`,
      ],
    });
    await using elsewhere = serveElsewhere(stage);
    const example = await ExamplePage.open(stage, elsewhere.origin, PLACE);
    await example.press("log", 2);
    await example.sendAll();
    assertEquals((await stage.stored()).map(({ name }) => name), ["page_view", "page_view"]);
    // Which host each step went to, behind which certificate.
    const seen = new Set<string>();
    for (const request of example.requests) {
      const { hostname, pathname } = new URL(request.url());
      const details = await present(await request.response()).securityDetails();
      seen.add(`${pathname.split("/").at(-1)} ${hostname} ${details?.subjectName}`);
    }
    assertEquals(
      seen,
      new Set([
        `schema ${HOSTS.logs} logs`,
        `keys ${HOSTS.tokens} tokens`,
        `tokens ${HOSTS.tokens} tokens`,
        `logs ${HOSTS.logs} logs`,
      ]),
    );
    assertEquals(example.errors, []);

    await example.page.close();
    // A host that no certificate covers gets nothing: the log waits on the device (which both pages share).
    const astray = await ExamplePage.open(
      stage,
      elsewhere.origin,
      PLACE.replace(HOSTS.logs, "other.example"),
    );
    await astray.press("log");
    await astray.send();
    await astray.waitForEvent("no_answer");
    await astray.waitForQueued(1);
    assertEquals((await stage.stored()).length, 2);
  },
);
