/** Three processes of the service behind each proxy, of which one is killed under load. */
import { assert, assertEquals } from "@std/assert";
import { present } from "../support/base/present.ts";
import { signIn } from "../support/client/load_client.ts";
import { fetchTokens, logBody, type Send, signLog } from "../support/client/protocol_client.ts";
import { freePort } from "../support/processes/free_ports.ts";
import { DAY_SECONDS, inOnePeriod } from "../support/processes/in_one_period.ts";
import type { RunningService } from "../support/processes/running_service.ts";
import { audit, exportIds, idOf, spawnService } from "../support/processes/spawned_service.ts";
import { startKvEndpoint } from "../support/store/kv_endpoint.ts";
import { TOKEN } from "../support/store/with_kv_endpoint.ts";
import { canRun, makePlace } from "./places.ts";
import { HOSTS, PROXIES, type Proxy } from "./proxies.ts";
import { openReach, type Way } from "./reach.ts";

const LOGS = 1_200;
/** After so many answers the process is killed. */
const KILL_AFTER = 400;
const CLIENTS = 16;
const APP = "load";

type Processes = [RunningService, RunningService, RunningService];

/** Sends until it is known what became of it: the same bytes again after no answer, 408, 429 and 5xx. */
async function sendUntilKnown(send: Send, init: RequestInit): Promise<number> {
  for (let attempt = 0;; attempt++) {
    const status = await send(`/v1/apps/${APP}/logs`, init).then(
      async (answer) => {
        await answer.body?.cancel();
        return answer.status;
      },
      () => 0,
    );
    if (status !== 0 && status !== 408 && status !== 429 && status < 500) return status;
    assert(attempt < 600, `a log gets no answer: ${status}`);
    await new Promise((resolve) => setTimeout(resolve, Math.min(20 * 2 ** attempt, 200)));
  }
}

/** Gets tokens at one host and sends every log at the other. Gives their ids with their statuses. */
async function sendLogs(
  way: Way,
  subject: string,
  onAnswer: (count: number) => void,
): Promise<Map<string, number>> {
  await using tokensHost = openReach(way, "h2");
  const nowSeconds = Math.floor(Date.now() / 1000);
  const session = { jwt: await signIn(subject, nowSeconds), nowSeconds, app: APP };
  const tokens = await fetchTokens(
    (path, init) => tokensHost.fetch(`https://${HOSTS.tokens}${path}`, init),
    session,
    Math.ceil(LOGS / 64),
  );
  const answers = new Map<string, number>();
  let next = 0;
  const send = async (index: number) => {
    // Half of them over each version.
    await using logsHost = openReach(way, index % 2 === 0 ? "h2" : "http/1.1");
    for (let log = next++; log < LOGS; log = next++) {
      const token = present(tokens[Math.floor(log / 64)]);
      const fields = { ok: true, latency_ms: 1, mark: log % 64 };
      const events = [{ name: "ping", fields }];
      const init = signLog(token, { use: log % 64, body: logBody(token, { events }) });
      const to: Send = (path, init) => logsHost.fetch(`https://${HOSTS.logs}${path}`, init);
      answers.set(idOf(token.pseudonym, fields), await sendUntilKnown(to, init));
      onAnswer(answers.size);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, index) => send(index)));
  return answers;
}

/** How many logs a process has answered. */
function answered({ lines }: RunningService): number {
  return lines.filter((line) => line.includes('"route":"logs"')).length;
}

Deno.test(`${LOGS} logs through each proxy arrive exactly once while one of three processes is killed`, async (t) => {
  const folder = await Deno.makeTempDir();
  await using endpoint = await startKvEndpoint({ path: `${folder}/endpoint.sqlite3`, token: TOKEN });
  const start = () =>
    spawnService({
      folder,
      kv: endpoint.url,
      port: freePort(),
      env: {
        DIT_ISSUE_HOST: HOSTS.tokens,
        DIT_LOG_HOST: HOSTS.logs,
        DIT_TRUSTED_HOPS: "1",
        DIT_LOG: "requests",
      },
    });
  const processes: Processes = [start(), start(), start()];
  await Promise.all(processes.map(({ ready }) => ready()));
  await using place = await makePlace();
  const stored = new Set<string>();

  async function endure(proxy: Proxy, killed: 0 | 1 | 2): Promise<void> {
    const [first, second, third] = processes;
    await using way = await place.start(proxy, [first.port, second.port, third.port]);
    const victim = processes[killed];
    let kill: Promise<unknown> | undefined;
    const before = processes.map(answered);
    const answers = await sendLogs(way, proxy.name, (count) => {
      if (count >= KILL_AFTER) kill ??= victim.end("SIGKILL");
    });
    await kill;
    assertEquals(answers.size, LOGS);
    assertEquals(new Set(answers.values()), new Set([200]));
    for (const [index, process] of processes.entries()) assert(answered(process) > (before[index] ?? 0) + 10);
    processes[killed] = start();
    await processes[killed].ready();
    const report = await audit(processes[killed]);
    const records = await exportIds(processes[killed]);
    for (const id of answers.keys()) stored.add(id);
    assertEquals([report.findings, report.claims, records.length], [[], stored.size, stored.size]);
    assertEquals(new Set(records), stored);
  }

  for (const [index, proxy] of PROXIES.entries()) {
    await t.step(proxy.name, async () => {
      if (!await canRun(proxy)) return;
      await inOnePeriod(DAY_SECONDS, () => endure(proxy, index % 3 as 0 | 1 | 2));
    });
  }
  await Promise.all(processes.map((process) => process.end("SIGTERM")));
  await Deno.remove(folder, { recursive: true });
});
