import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { startRestlessClients } from "../support/client/restless_clients.ts";
import { residentMiB } from "../support/processes/resident_memory.ts";
import { startJwksServer } from "../support/service/jwks_server.ts";
import { assertExactlyOnce } from "../support/store/exactly_once.ts";
import { seededRandom } from "../support/store/kv_faults.ts";
import { FAULTS } from "./mixed/faults.ts";
import { startWorld } from "./mixed/world.ts";

const LONG = Deno.env.get("DIT_FAULTS") === "long";
const MINUTES = LONG ? 60 : 2;
/** Garbage that is collected late goes up and down by about this much. */
const NOISE_MIB = 96;
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

Deno.test({
  name: `${MINUTES} minutes of mixed faults lose nothing, double nothing and end no process`,
  // Limits on descriptors, /proc and libfaketime are Linux'.
  ignore: Deno.build.os !== "linux",
  async fn(t) {
    const seed = Date.now() % 2 ** 32;
    const random = seededRandom(seed);
    await using jwks = await startJwksServer();
    await using world = await startWorld({ jwks, random });
    for (const missing of world.missing) {
      await t.step({ name: `left out: ${missing}`, ignore: true, fn() {} });
    }
    const clients = startRestlessClients({
      url: () => world.anyone().url,
      clients: 12,
      batch: 2,
      uses: 64,
      pauseMs: LONG ? 300 : 100,
      signIn: (subject) => jwks.signIn({ issuer: "https://login.example", audience: "load", subject }),
    });
    const struck = new Map<string, number>();
    const resident: number[] = [];
    const endsAt = performance.now() + MINUTES * 60_000;
    const faults = FAULTS.filter(({ isPossible }) => isPossible(world));
    await world.recovered(clients.accepted);
    // Each fault once at first, then at random.
    for (let round = 0; performance.now() < endsAt || round < faults.length; round++) {
      const first = faults[round < faults.length ? round : Math.floor(random() * faults.length)];
      const second = faults[Math.floor(random() * faults.length)];
      const chosen = [...new Set([first, second])].filter((fault) => fault !== undefined);
      const heals: (() => Promise<void> | void)[] = [];
      for (const { name, strike } of chosen) {
        struck.set(name, (struck.get(name) ?? 0) + 1);
        heals.push(await strike(world));
        await sleep(1_000 * random());
      }
      await sleep(1_000 + 3_000 * random());
      for (const heal of heals) await heal();
      const names = chosen.map(({ name }) => name).join(" and ");
      await world.recovered(clients.accepted).catch((error) => {
        throw new Error(`It did not recover from ${names}, seed ${seed}: ${error.message}`, { cause: error });
      });
      resident.push(await residentMiB(world.oldest));
    }
    await clients.stop();
    const summary = `${clients.sent.size} logs, faults ${
      JSON.stringify(Object.fromEntries(struck))
    }, answers ${JSON.stringify(Object.fromEntries(clients.heard))}, of tokens ${
      JSON.stringify(Object.fromEntries(clients.heardOfTokens))
    }, seed ${seed}`;
    assertEquals(new Set(clients.sent.values().map((answer) => answer?.status)), new Set([200]), summary);
    assertEquals((await assertExactlyOnce(world.oldest, clients.sent)).size, clients.sent.size);
    assertGreater(clients.sent.size, 500, summary);
    const part = Math.max(1, Math.floor(resident.length / 6));
    const before = median(resident.slice(part, 2 * part));
    const after = median(resident.slice(-part));
    assertLess(after - before, NOISE_MIB, `${before.toFixed(0)} to ${after.toFixed(0)} MiB, ${summary}`);
    await t.step(`${summary}; memory ${before.toFixed(0)} to ${after.toFixed(0)} MiB`, () => {});
    await world.end();
  },
});
