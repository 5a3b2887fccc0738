import { assert, assertEquals } from "@std/assert";
import { directoryOf } from "../../../client/http/key_check.ts";
import { mirrorAt } from "../../../client/http/mirror.ts";
import { ACCEPTED, read, SEEN, type SeenKeys } from "../../../client/storage/records.ts";
import { Refusal } from "../../../core/base/errors.ts";
import type { ApplicationConfig } from "../../../core/config/types.ts";
import { renewKeys } from "../../../core/keys/after_restore.ts";
import { makeDirectory, type PublishedKey } from "../../../core/keys/directory.ts";
import { SIGNING_KEYS } from "../../../core/keys/families.ts";
import { KeyRing } from "../../../core/keys/key_ring.ts";
import type { KeyRow } from "../../../core/keys/key_row.ts";
import { maintainKeys } from "../../../core/keys/maintenance.ts";
import { replaceGoneKeys, replaceIssuingKey, revokeKeys } from "../../../core/keys/replacement.ts";
import { restartChain } from "../../../core/keys/restored_chain.ts";
import { destroyOverKeys, type RotationContext } from "../../../core/keys/rotation.ts";
import { readRegionKeys } from "../../../edge/remote/region_keys.ts";
import { parseJson } from "../../../edge/http/parse_json.ts";
import { seededRandom } from "../../support/base/seeded_random.ts";
import { surroundings } from "../../support/client/client_surroundings.ts";
import { applicationOf, contextOn, NOW, valuesOf } from "../../support/service/keys.ts";

const REGIONS = ["eu", "us"] as const;
type Region = typeof REGIONS[number];
const MIRROR = "https://mirror.example/keys";

/** A deployment of two regions whose operator tries everything that there is to do to keys. */
class Deployment {
  readonly random = seededRandom(17);
  readonly #kvs = new Map<Region, Deno.Kv>();
  readonly #backups = new Map<Region, Deno.KvEntry<unknown>[]>();
  /** Of the keys that a store put back has lost, the operator knows how often each was replaced. */
  #newest = 0;
  seconds = NOW;
  issuer = "telemetry.example";
  changes: Partial<ApplicationConfig> = { pseudonymSeconds: false };
  readonly counts: Record<string, number> = {};

  get app() {
    return applicationOf(this.changes);
  }

  async start(): Promise<void> {
    for (const region of REGIONS) this.#kvs.set(region, await Deno.openKv(":memory:"));
  }

  stop(): void {
    for (const kv of this.#kvs.values()) kv.close();
  }

  async #context(region: Region): Promise<RotationContext> {
    return { ...await contextOn(this.#kvs.get(region)!), region };
  }

  async #rows(region: Region): Promise<KeyRow[]> {
    return await valuesOf<KeyRow>(this.#kvs.get(region)!, SIGNING_KEYS.prefix("notes", region));
  }

  async #own(region: Region): Promise<readonly PublishedKey[]> {
    return await new KeyRing(await this.#context(region), this.app, this.issuer).current(this.seconds);
  }

  /** The directory that a region serves, with the keys of the other one. */
  async directory(region: Region): Promise<Response> {
    const { app, issuer, seconds: nowSeconds } = this;
    const keys = [...await this.#own(region)];
    for (const other of REGIONS.filter((name) => name !== region)) {
      const theirs = makeDirectory({ issuer, region: other, app, keys: await this.#own(other), nowSeconds });
      keys.push(...readRegionKeys(parseJson(theirs.body)?.value, other, app));
    }
    const { body, etag } = makeDirectory({ issuer, region, app, keys, nowSeconds });
    return new Response(body, { headers: { etag, date: new Date(nowSeconds * 1000).toUTCString() } });
  }

  choose<T>(...of: T[]): T {
    return of[Math.floor(this.random.unit() * of.length)] as T;
  }

  /** One thing that operators do, or the calendar, but for `never`. */
  async act(never: readonly string[]): Promise<void> {
    const acts = {
      replace: async (context: RotationContext) =>
        void await replaceIssuingKey(context, this.app, this.seconds),
      revoke: async (context: RotationContext) => {
        const row = this.choose(...await this.#rows(context.region as Region));
        if (row === undefined) return;
        await revokeKeys(context, this.app, row.epoch, row.generation, this.seconds);
      },
      overlap: () => this.#change({ overlapEpochs: this.choose(0, 1, 2, 8) }),
      horizon: () => this.#change({ horizonEpochs: this.choose(1, 3, 8) }),
      length: () => this.#change({ epochSeconds: this.choose(3_600, 43_200, 86_400, 604_800) }),
      limits: () => this.#change({ usesPerToken: this.choose(8, 64), tokensPerClient: this.choose(1, 2, 9) }),
      suite: () => this.#change({ suite: this.choose("ristretto255-SHA512", "P384-SHA384") }),
      backUp: async ({ region }: RotationContext) => {
        const kv = this.#kvs.get(region as Region)!;
        this.#backups.set(region as Region, await Array.fromAsync(kv.list({ prefix: [] })));
      },
      putBack: async ({ region }: RotationContext) => await this.#putBack(region as Region),
      /** A clock that is ahead destroys what issues, and an operator has it replaced. */
      leap: async (context: RotationContext) => {
        await destroyOverKeys(context, this.seconds + this.choose(2, 5) * this.app.epochSeconds);
        await replaceGoneKeys(context, this.app, this.seconds, this.#newest + 1);
      },
      maintain: async (context: RotationContext) =>
        void await maintainKeys(context, [this.app], this.seconds),
    };
    const names = Object.keys(acts).filter((name) => !never.includes(name));
    const name = this.choose(...names as (keyof typeof acts)[]);
    const context = await this.#context(this.choose(...REGIONS));
    try {
      await acts[name](context);
      this.counts[name] = (this.counts[name] ?? 0) + 1;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
    for (const region of REGIONS) {
      for (const { generation } of await this.#rows(region)) {
        this.#newest = Math.max(this.#newest, generation);
      }
    }
  }

  #change(changes: Partial<ApplicationConfig>): Promise<void> {
    this.changes = { ...this.changes, ...changes };
    return Promise.resolve();
  }

  async #putBack(region: Region): Promise<void> {
    const backup = this.#backups.get(region);
    if (backup === undefined) return;
    this.#kvs.get(region)!.close();
    const kv = await Deno.openKv(":memory:");
    for (const { key, value } of backup) await kv.set(key, value);
    this.#kvs.set(region, kv);
    await restartChain(await this.#context(region), this.app.id, this.seconds);
    await renewKeys(await this.#context(region), this.app, this.seconds, () => this.#newest);
  }
}

/** A real client's directory. */
function makeClient(deployment: Deployment, skewSeconds: number, withMirror = false) {
  const fetch = (url: string) => deployment.directory(url === MIRROR ? "us" : "eu");
  const { told, time, ...parts } = surroundings({ fetch });
  const mirror = withMirror ? mirrorAt(MIRROR) : undefined;
  const cache = directoryOf({ ...parts, mirror, keyPin: undefined, verifyKeys: undefined });
  return {
    /** Why it refuses what the service shows now, if it does. */
    async look(): Promise<string | undefined> {
      time.now = (deployment.seconds + skewSeconds) * 1000;
      told.length = 0;
      await cache.get(true);
      await parts.commit((entries) => entries.set(ACCEPTED, "1"));
      return told.flatMap(([name, event]) => name === "refused" ? [event.code] : [])[0];
    },
    /** When the last key ends that it has seen. */
    async seenUntil(): Promise<number> {
      const seen = await parts.commit((entries) => read<SeenKeys>(entries, SEEN)) ?? {};
      return Math.max(
        0,
        ...Object.entries(seen).flatMap(([name, { until }]) => name === "endpoints" ? [] : until),
      );
    },
  };
}

/** Has clients of all habits look at each directory that a deployment shows, `steps` long; each has to be taken. */
async function watch(steps: number, ...never: string[]): Promise<void> {
  const deployment = new Deployment();
  await deployment.start();
  try {
    const clients = [
      { every: 1, client: makeClient(deployment, 0) },
      { every: 1, client: makeClient(deployment, 0, true) },
      { every: 1, client: makeClient(deployment, 3_500) },
      { every: 3, client: makeClient(deployment, -3_500) },
      { every: 17, client: makeClient(deployment, 0) },
    ];
    for (let step = 1; step <= steps; step++) {
      await deployment.act(never);
      const epochs = deployment.random.unit() < 0.05 ? 6 : 0.7;
      deployment.seconds += Math.floor(deployment.random.unit() * epochs * deployment.app.epochSeconds);
      const newcomer = makeClient(deployment, deployment.choose(-3_500, 0, 3_500), true);
      for (const { every, client } of [...clients, { every: 1, client: newcomer }]) {
        if (step % every !== 0) continue;
        assertEquals(await client.look(), undefined, JSON.stringify({ step, ...deployment.changes }));
      }
    }
    const counts = Object.entries(deployment.counts);
    assert(
      counts.length > 5 && counts.every(([, count]) => count >= steps / 60),
      JSON.stringify(deployment.counts),
    );
  } finally {
    deployment.stop();
  }
}

Deno.test("a client takes every directory of a service that rotates, replaces, revokes and is configured anew", () =>
  watch(240, "backUp", "putBack"));

// What a store that is put back has lost is known from the calendar, as long as that stays the same.
Deno.test("a client takes every directory of a service whose store is put back", () =>
  watch(120, "length", "horizon"));

Deno.test("a client takes another issuer when the keys have ended that it saw under the one before, with nobody doing anything", async () => {
  const deployment = new Deployment();
  await deployment.start();
  try {
    const client = makeClient(deployment, 0);
    assertEquals(await client.look(), undefined);
    const until = await client.seenUntil();
    deployment.issuer = "other.example";
    assertEquals(until - deployment.seconds > 86_400, true);
    for (; deployment.seconds < until; deployment.seconds += 43_200) {
      assertEquals(await client.look(), "key_changed");
    }
    deployment.seconds = until;
    assertEquals(await client.look(), undefined);
    assertEquals(await makeClient(deployment, 0).look(), undefined);
  } finally {
    deployment.stop();
  }
});
