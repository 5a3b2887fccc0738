/** Which of the client's requests share a connection or a session of TLS, in every runtime that the package runs in. */
import { assert, assertEquals } from "@std/assert";
import { makeCertificates } from "../deploy/certificates.ts";
import { startService } from "../support/client/client_service.ts";
import { linksOf } from "../support/client/linked_requests.ts";
import { type WatchedRequest, watchSockets } from "../support/client/watched_sockets.ts";
import { findRuntimes, makeProject, run, type Runtime } from "./runtimes.ts";

const PROGRAM = new URL("connected.mjs", import.meta.url);
const runtimes = await findRuntimes("26");
const project = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(project, { recursive: true }));
await makeProject(project, [PROGRAM]);
// One certificate for two hosts, which is what lets connections be joined.
const certificates = await makeCertificates(project, { both: "localhost,IP:127.0.0.1" });
const pem = await Deno.readTextFile(`${certificates.folder}/both.pem`);

/** What a run of the program did. */
interface Run {
  readonly requests: readonly WatchedRequest[];
  /** Requests that went through the dispatcher that the app had set; 0 where there is none. */
  readonly dispatched: number;
}

async function runIn({ name, command }: Runtime, hosts: 1 | 2, isTls: boolean): Promise<Run> {
  const test = await startService();
  const requests: WatchedRequest[] = [];
  await using watched = watchSockets({
    service: test,
    pem: isTls ? pem : undefined,
    onRequest: (request) => requests.push(request),
  });
  const place = (host: string) => `${isTls ? "https" : "http"}://${host}:${watched.port}`;
  const plan = JSON.stringify({
    places: hosts === 1
      ? { endpoint: place("localhost") }
      : { issueEndpoint: place("localhost"), logEndpoint: place("127.0.0.1") },
    jwts: await Promise.all(["alice", "bob"].map(test.signIn)),
    now: test.clock.now,
    dropUrls: [watched.dropUrl],
  });
  const isDeno = name === "Deno";
  const options = isDeno ? [`--cert=${certificates.authorityFile}`, "--allow-net=localhost"] : [];
  const [program = "", ...args] = command;
  const output = await run(
    [
      "env",
      `NODE_EXTRA_CA_CERTS=${certificates.authorityFile}`,
      program,
      ...args,
      ...options,
      "connected.mjs",
      plan,
    ],
    project,
  );
  await test.close();
  return { requests, dispatched: JSON.parse(output) };
}

for (const runtime of runtimes) {
  const { name, missing } = runtime;
  for (const hosts of [1, 2] as const) {
    for (const isTls of [false, true]) {
      const where = `${hosts === 1 ? "one host" : "two hosts"}, ${isTls ? "TLS" : "in the clear"}`;
      Deno.test({
        name: `${name}, ${where}: neither a connection nor a session of TLS links any two requests`,
        ignore: missing !== undefined,
        async fn() {
          const { requests, dispatched } = await runIn(runtime, hosts, isTls);
          const owners = (step: string) =>
            new Set(requests.filter((request) => request.step === step).map(({ owner }) => owner)).size;
          assertEquals([owners("logs"), owners("tokens")], [3, 2], JSON.stringify(requests));
          assertEquals(linksOf(requests), [], JSON.stringify(requests));
          // What the app has set for itself (a proxy, an authority) is what its requests go through.
          if (name.startsWith("Node")) assert(dispatched >= requests.length, String(dispatched));
        },
      });
    }
  }
}
