import { Buffer } from "node:buffer";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Refusal } from "../../../core/base/errors.ts";
import { epochAt, stateAt } from "../../../core/keys/epoch.ts";
import { isZeroed } from "../../../core/keys/key_row.ts";
import { maintainKeys } from "../../../core/keys/maintenance.ts";
import type { Service } from "../../../core/service.ts";
import { sweepEndedKeys } from "../../../core/jobs/ended_keys.ts";
import { ENDED_KEYS } from "../../../core/keys/families.ts";
import { applicationOf, assertInOrder, EPOCH, rowsOf } from "../../support/service/keys.ts";
import { seededRandom } from "../../support/base/seeded_random.ts";
import {
  countClaims,
  type HeldToken,
  makeToken,
  openService,
  recordOf,
  redeemWith,
  signRedemption,
} from "../../support/service/split.ts";

const DAYS = 400;
const HOUR = 3_600;
const DAY = 86_400;
/** Cron is due and the service is asked this often; the minutes in between are checked on what it then knew. */
const STEP = 2 * HOUR;
const START = EPOCH * DAY;
const PACE = { rowsPerCommit: 250, pause: () => Promise.resolve() };
const app = applicationOf();
const deployment = {
  issuer: "telemetry.example",
  applications: new Map([["notes", app]]),
  alerts: undefined,
};

/** A token in a client's pocket. */
interface Held extends HeldToken {
  readonly redeemUntil: number;
  used: number;
}

/**
 * A deployment that lives 400 days on one SQLite file: killed, restarted, away for hours and days, its cron missed in
 * two runs of five. Whether exactly one key issues is asked of the rows for every single minute in which the service
 * runs, and of the service itself every two hours and a second before, at and after every turn of an epoch.
 */
class Life {
  readonly clock = { seconds: START };
  readonly random = seededRandom(20_270_115);
  readonly sealed = new Set<string>();
  readonly counts = { minutes: 0, restarts: 0, outages: 0, cronMissed: 0, redeemed: 0, refused: 0 };
  tokens: Held[] = [];
  service: Service | undefined;
  kv: Deno.Kv | undefined;
  startedAt = START;

  constructor(readonly path: string) {}

  async start(): Promise<void> {
    this.startedAt = this.clock.seconds;
    this.kv = await Deno.openKv(this.path);
    this.service = await openService(this.clock, deployment, this.kv);
  }

  /** As kill -9 does it, as far as this process may: nothing is drained. */
  stop(): void {
    this.service!.store.close();
    this.service = undefined;
  }

  /** Exactly one key issues in each minute of the step that begins now, and the horizon is full. */
  async checkMinutes(): Promise<void> {
    const start = this.clock.seconds;
    const keys = await this.service!.ringOf("notes").current(start);
    for (let minute = start; minute < start + STEP; minute += 60) {
      const issuing = keys.filter((key) => stateAt(key, minute) === "issuing");
      if (issuing.length !== 1 || issuing[0]!.epoch !== epochAt(app, minute)) {
        throw new Error(`${issuing.length} keys issue at ${minute}`);
      }
      this.counts.minutes++;
    }
    const epoch = epochAt(app, start);
    const ahead = keys.filter((key) => stateAt(key, start) === "scheduled").map((key) => key.epoch);
    assertEquals(ahead, [epoch + 1, epoch + 2, epoch + 3]);
  }

  async issue(): Promise<void> {
    const token = await makeToken(this.service!);
    const { redeemUntil } = await this.service!.ringOf("notes").redeeming(token.keyId, this.clock.seconds);
    assertEquals(redeemUntil, (epochAt(app, this.clock.seconds) + 2) * DAY);
    this.tokens.push({ ...token, redeemUntil, used: 0 });
  }

  /** Redeems another use: until the stated end it must be taken, and never after. */
  async redeem(token: Held): Promise<void> {
    const now = this.clock.seconds;
    const log = signRedemption(token, token.used++);
    const answer = redeemWith(this.service!.redeemer, log, recordOf("a"), now);
    if (now < token.redeemUntil) {
      assertEquals(await answer, { replayed: false });
      this.counts.redeemed++;
    } else {
      const { code } = await assertRejects(() => answer, Refusal);
      assert(code === "key_expired" || code === "key_unknown", code);
      this.counts.refused++;
    }
  }

  /** What cron does, as far as keys are concerned: records have tests of their own. */
  async maintain(): Promise<void> {
    const { rotation, store } = this.service!;
    await maintainKeys(rotation, [app], this.clock.seconds);
    await sweepEndedKeys(store, this.clock.seconds, PACE);
  }

  /** A second before the turn of an epoch, at it, and after it. */
  async turn(): Promise<void> {
    const turn = this.clock.seconds;
    for (const now of [turn - 1, turn, turn + 1]) {
      // A process that was started at the turn has seen it: its clock does not go back.
      if (now < this.startedAt) continue;
      this.clock.seconds = now;
      const key = await this.service!.ringOf("notes").issuing(now);
      assertEquals(key.epoch, epochAt(app, now));
      for (const token of this.tokens.filter(({ redeemUntil }) => redeemUntil === turn)) {
        await this.redeem(token);
      }
    }
    this.clock.seconds = turn;
    await this.noteSecrets();
  }

  async noteSecrets(): Promise<void> {
    for (const row of await rowsOf(this.kv!)) {
      if (!isZeroed(row)) this.sealed.add(row.sealed.toHex());
    }
  }

  async step(): Promise<void> {
    const start = this.clock.seconds;
    if (start % DAY === 0) await this.turn();
    await this.checkMinutes();
    const chance = (share: number) => this.random.unit() < share;
    this.clock.seconds = start + 420;
    if (chance(0.6)) await this.maintain();
    else this.counts.cronMissed++;
    this.clock.seconds = start + 421 + Math.floor(this.random.unit() * 6_000);
    if (chance(0.2)) await this.issue();
    if (chance(0.5) && this.tokens.length > 0) {
      await this.redeem(this.tokens[Math.floor(this.random.unit() * this.tokens.length)]!);
    }
    // Those that ended days ago, or are used up, are thrown away.
    this.tokens = this.tokens.filter((token) => start < token.redeemUntil + 3 * DAY && token.used < 60);
    this.clock.seconds = start + STEP;
    if (chance(1 / 20)) {
      this.counts.restarts++;
      this.stop();
      // One restart in five comes after an outage of up to ten days.
      if (chance(0.2)) {
        this.counts.outages++;
        this.clock.seconds += STEP * Math.ceil(120 * this.random.unit() ** 2);
      }
      await this.start();
    }
  }
}

async function rawBytes(path: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for (const suffix of ["", "-wal", "-shm", "-journal"]) {
    try {
      parts.push(await Deno.readFile(path + suffix));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return Buffer.concat(parts);
}

Deno.test("400 days: one key issues in every minute, tokens redeem to their end, and what is destroyed is gone", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/kv.sqlite3`;
    const life = new Life(path);
    await life.start();
    while (life.clock.seconds < START + DAYS * DAY) await life.step();
    const { counts } = life;
    assert(counts.restarts > 150 && counts.outages > 25 && counts.cronMissed > 1_200, JSON.stringify(counts));
    assert(
      counts.redeemed > 1_000 && counts.refused > 700 && counts.minutes > 400_000,
      JSON.stringify(counts),
    );

    const service = life.service!;
    // The last start may have come after an outage: its clock is confirmed, then keys end, then their rows are swept.
    await life.maintain();
    for (let hour = 0; hour < 2; hour++) {
      life.clock.seconds += HOUR;
      await life.maintain();
    }
    await assertInOrder(life.kv!, app, life.clock.seconds);
    assertEquals(await Array.fromAsync(service.store.list(ENDED_KEYS.all())), []);
    assert(await countClaims(service) < 200);
    await life.noteSecrets();
    const live = (await rowsOf(life.kv!)).map((row) => row.sealed.toHex());
    life.stop();

    // The service's start vacuums the file in a process of its own, before it opens it.
    const vacuum = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-check",
        "--allow-all",
        new URL("../../../cli/vacuum.ts", import.meta.url).pathname,
        path,
      ],
    });
    const { code, stderr } = await vacuum.output();
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
    const raw = await rawBytes(path);
    const found = [...life.sealed].filter((hex) => raw.includes(Buffer.from(hex, "hex")));
    assert(life.sealed.size > 350);
    assertEquals(found.toSorted(), live.toSorted(), "the file holds the secrets that live, and no other");
    assert(live.length >= 4);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
