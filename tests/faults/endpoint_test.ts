import { assert, assertEquals } from "@std/assert";
import { assertExactlyOnce } from "../support/store/exactly_once.ts";
import { type KvEndpoint, startKvEndpoint } from "../support/store/kv_endpoint.ts";
import { noFaults } from "../support/store/kv_faults.ts";
import { type Load, startLoad } from "../support/client/load.ts";
import { fetchTokens } from "../support/client/load_client.ts";
import { spawnService } from "../support/processes/spawned_service.ts";
import { TOKEN, until } from "../support/store/with_kv_endpoint.ts";

const LONG = Deno.env.get("DIT_FAULTS") === "long";
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

interface Fault {
  readonly name: string;
  /** Switches the fault on. */
  readonly strike: (endpoint: KvEndpoint) => void | Promise<void>;
  /** Milliseconds for which it stays. */
  readonly lasts: number;
  /** Switches off what clearing the faults does not. */
  readonly heal?: (endpoint: KvEndpoint) => Promise<void>;
  /** Whether clients must have been told that the store does not answer: the fault outlasts a deadline. */
  readonly isFelt: boolean;
  /** What must have happened for the test to have tried anything. */
  readonly struck: (counts: KvEndpoint["counts"], before: KvEndpoint["counts"]) => boolean;
}

const faults: Fault[] = [
  {
    name: "answers 503 after the write landed",
    strike: (endpoint) => void (endpoint.faults.unavailableAfterWrite = 0.5),
    lasts: 3_000,
    isFelt: false,
    struck: (counts, before) => counts.unavailableAfterWrite > before.unavailableAfterWrite,
  },
  {
    name: "answers 503 before it writes",
    strike: (endpoint) => void (endpoint.faults.unavailable = 0.5),
    lasts: 3_000,
    isFelt: false,
    struck: (counts, before) => counts.unavailable > before.unavailable,
  },
  {
    name: "answers late, within the deadline",
    strike: (endpoint) => void (endpoint.faults.delayAnswerMs = 700),
    lasts: 2_500,
    isFelt: false,
    struck: (counts, before) => counts.writes > before.writes,
  },
  {
    name: "answers late, past the deadline",
    strike: (endpoint) => void (endpoint.faults.delayAnswerMs = 2_600),
    lasts: 6_000,
    isFelt: true,
    struck: (counts, before) => counts.writes > before.writes,
  },
  {
    name: "hangs before it writes",
    strike: (endpoint) => void (endpoint.faults.hang = true),
    lasts: 6_000,
    isFelt: true,
    struck: (counts, before) => counts.requests > before.requests,
  },
  {
    name: "hangs after it wrote",
    strike: (endpoint) => void (endpoint.faults.hangAnswer = true),
    lasts: 6_000,
    isFelt: true,
    struck: (counts, before) => counts.writes > before.writes,
  },
  {
    name: "dies and comes back",
    strike: (endpoint) => endpoint.stop(),
    lasts: 5_000,
    heal: (endpoint) => endpoint.start(),
    isFelt: true,
    struck: () => true,
  },
  {
    name: "writes everything twice",
    strike: (endpoint) => void (endpoint.faults.replayWrite = Infinity),
    lasts: 2_000,
    isFelt: false,
    struck: (counts, before) => counts.replayWrite > before.replayWrite,
  },
  {
    name: "drops half of the connections before the write",
    strike: (endpoint) => void (endpoint.faults.cut = 0.5),
    lasts: 3_000,
    isFelt: false,
    struck: (counts, before) => counts.cut > before.cut,
  },
  {
    name: "drops half of the connections after the write",
    strike: (endpoint) => void (endpoint.faults.cutAfterWrite = 0.5),
    lasts: 3_000,
    isFelt: false,
    struck: (counts, before) => counts.cutAfterWrite > before.cutAfterWrite,
  },
  {
    name: "answers with half an answer",
    strike: (endpoint) => void (endpoint.faults.truncateAnswer = 0.5),
    lasts: 2_000,
    isFelt: false,
    struck: (counts, before) => counts.truncateAnswer > before.truncateAnswer,
  },
];

async function endure(
  { name, strike, lasts, heal, isFelt, struck }: Fault,
  endpoint: KvEndpoint,
  load: Load,
) {
  const before = { ...endpoint.counts };
  load.heard.clear();
  await strike(endpoint);
  await sleep(LONG ? 3 * lasts : lasts);
  if (isFelt) await until(() => (load.heard.get("503 store_unavailable") ?? 0) > 0);
  await until(() => struck(endpoint.counts, before));
  Object.assign(endpoint.faults, noFaults());
  await heal?.(endpoint);
  const refusals = [...load.heard.keys()].filter((answer) => answer !== "200");
  // Whatever the store does, clients hear a clear refusal or a success, and never wait for an answer in vain.
  for (const refusal of refusals) {
    assert(["503 store_unavailable", "429 overloaded"].includes(refusal), `${name}: ${refusal}`);
  }
  // It recovers by itself.
  load.heard.clear();
  await until(() => (load.heard.get("200") ?? 0) > 20);
}

Deno.test("a store behind a network may fail in every way, and every log is stored once", async (t) => {
  const folder = await Deno.makeTempDir();
  await using endpoint = await startKvEndpoint({ path: `${folder}/endpoint.sqlite3`, token: TOKEN });
  const service = spawnService({ folder, kv: endpoint.url });
  await service.ready();
  let stored: Set<string> = new Set();
  for (const fault of faults) {
    await t.step(`the endpoint ${fault.name}`, async () => {
      const tokens = await fetchTokens(service.url, fault.name.replaceAll(/\W/g, "-"), 160);
      const load = startLoad({ url: () => service.url, tokens, clients: 16, pauseMs: LONG ? 40 : 15 });
      await sleep(300);
      await endure(fault, endpoint, load);
      await load.stop();
      assertEquals(new Set(load.sent.values().map((answer) => answer!.status)), new Set([200]));
      stored = await assertExactlyOnce(service, load.sent, stored);
    });
  }
  await t.step("and the service ends in order", async () => {
    assertEquals((await service.end("SIGTERM")).code, 0);
  });
  await Deno.remove(folder, { recursive: true });
});
