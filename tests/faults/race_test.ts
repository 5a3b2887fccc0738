import { assertEquals, assertGreater } from "@std/assert";
import { UniformSource } from "../../core/base/uniform.ts";
import { assertExactlyOnce, type Sent } from "../support/store/exactly_once.ts";
import { startKvEndpoint } from "../support/store/kv_endpoint.ts";
import { fetchTokens, sendUntilKnown, signMarkedLog } from "../support/client/load_client.ts";
import { spawnService } from "../support/processes/spawned_service.ts";
import { TOKEN } from "../support/store/with_kv_endpoint.ts";

const LONG = Deno.env.get("DIT_FAULTS") === "long";
/** The short form has a fifth of the tokens, so that all fault tests together stay below four minutes. */
const TOKENS = LONG ? 1_000 : 200;
const USES = 64;
const CLIENTS = 50;
const PROCESSES = 3;
const uniform = new UniformSource((length) => crypto.getRandomValues(new Uint8Array(length)));

/**
 * Every use of every token, some of them several times: those stand side by side, so that clients race for them.
 * In the short form a third of the uses is wanted twice, in the long form each of them three times.
 */
function* attempts(): Generator<{ token: number; use: number }> {
  for (let use = 0; use < USES; use++) {
    for (let token = 0; token < TOKENS; token++) {
      const rivals = LONG ? 3 : (token + use) % 3 === 0 ? 2 : 1;
      for (let rival = 0; rival < rivals; rival++) yield { token, use };
    }
  }
}

Deno.test(`three processes and ${CLIENTS} clients race for ${TOKENS} tokens: each use is accepted once`, async () => {
  const folder = await Deno.makeTempDir();
  await using endpoint = await startKvEndpoint({ path: `${folder}/endpoint.sqlite3`, token: TOKEN });
  const services = Array.from({ length: PROCESSES }, () => spawnService({ folder, kv: endpoint.url }));
  await Promise.all(services.map((service) => service.ready()));
  const tokens = await fetchTokens(services[0]!.url, "race", TOKENS);
  const sent: Sent = new Map();
  const queue = attempts();
  await Promise.all(Array.from({ length: CLIENTS }, async () => {
    for (const { token, use } of queue) {
      const log = signMarkedLog(tokens[token]!, use);
      const { url } = services[uniform.below(PROCESSES)]!;
      sent.set(log, await sendUntilKnown(() => url, log));
    }
  }));

  const winners = new Map<string, number>();
  for (const [{ token, use }, answer] of sent) {
    const name = `${token.nonce.toHex()}/${use}`;
    if (answer!.status === 200) winners.set(name, (winners.get(name) ?? 0) + 1);
    else assertEquals(answer!.code, "use_taken");
  }
  assertEquals(winners.size, TOKENS * USES);
  assertEquals(winners.values().filter((count) => count !== 1).toArray(), []);
  // No token has a use beyond its last one, whoever asks.
  const beyond = await Promise.all(
    services.map(({ url }) => sendUntilKnown(() => url, signMarkedLog(tokens[0]!, USES))),
  );
  assertEquals(new Set(beyond.map(({ code }) => code)), new Set(["use_out_of_range"]));
  assertEquals((await assertExactlyOnce(services[2]!, sent)).size, TOKENS * USES);
  assertGreater(sent.size, TOKENS * USES);
  const ends = await Promise.all(services.map((service) => service.end("SIGTERM")));
  assertEquals(ends.map(({ code }) => code), [0, 0, 0]);
  await Deno.remove(folder, { recursive: true });
});
