import { assertEquals, assertRejects } from "@std/assert";
import { Refusal } from "../../../core/base/errors.ts";
import {
  CONFIRM_SECONDS,
  ConfirmedTime,
  LEAP_SECONDS,
  type TimeRow,
} from "../../../core/clock/confirmed_time.ts";
import { CONFIRMED_TIMES } from "../../../core/clock/families.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import type { Store } from "../../../core/store/store.ts";

const NOW = Date.UTC(2027, 0, 15, 10, 20, 30) / 1000;
const HOUR = 3_600;

/** A process with a wall clock of its own, in a world whose time passes for all. */
class Process {
  readonly time: ConfirmedTime;
  readonly events: string[] = [];
  /** How far its wall clock is off. */
  off = 0;
  readonly #world: World;
  readonly #startedAt: number;

  constructor(world: World, off = 0) {
    this.#world = world;
    this.#startedAt = world.seconds;
    this.off = off;
    this.time = new ConfirmedTime({
      store: world.store,
      now: () => world.seconds + this.off,
      steady: () => world.seconds - this.#startedAt,
      onEvent: (event) => this.events.push(event.event === "time_held" ? "held" : event.by),
    });
  }

  /** Its confirmed time less the right one. */
  get confirmedOff(): number {
    return this.time.confirmedSeconds() - this.#world.seconds;
  }
}

class World implements Disposable {
  seconds = NOW;
  readonly store: Store;
  readonly #kv: Deno.Kv;
  readonly #running = new Set<Process>();

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
    this.store = storeOver(kv);
  }

  async start(off = 0): Promise<Process> {
    const process = new Process(this, off);
    await process.time.open();
    this.#running.add(process);
    return process;
  }

  kill(process: Process): void {
    this.#running.delete(process);
  }

  /** Lets time pass, in which each process looks once a minute. */
  async pass(seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left -= 60) {
      this.seconds += Math.min(60, left);
      for (const { time } of this.#running) await time.refresh();
    }
  }

  async row(): Promise<TimeRow | null> {
    return (await this.store.get<TimeRow>(CONFIRMED_TIMES.key())).value;
  }

  [Symbol.dispose](): void {
    this.#kv.close();
  }
}

async function inWorld(run: (world: World) => Promise<void>): Promise<void> {
  using world = new World(await Deno.openKv(":memory:"));
  await run(world);
}

Deno.test("a clock that leaps ahead moves no confirmed time before it has agreed with itself for ten minutes", () =>
  inWorld(async (world) => {
    const process = await world.start();
    await world.pass(120);
    process.off = 50 * HOUR;
    assertEquals([process.time.held, process.confirmedOff], [true, 0]);
    await world.pass(CONFIRM_SECONDS - 60);
    assertEquals(
      [process.time.held, process.confirmedOff],
      [true, 0],
      "it goes on at the steady clock's pace",
    );
    await world.pass(60);
    assertEquals([process.time.held, process.confirmedOff], [false, 50 * HOUR]);
    assertEquals(process.events, ["held", "itself"]);
  }));

Deno.test("a clock that leaps once more has its ten minutes anew, and one that comes back is believed at once", () =>
  inWorld(async (world) => {
    const process = await world.start();
    process.off = 50 * HOUR;
    for (let leap = 0; leap < 5; leap++) {
      await world.pass(CONFIRM_SECONDS - 60);
      process.off += HOUR;
      assertEquals([process.time.held, process.confirmedOff], [true, 0]);
    }
    process.off = 0;
    assertEquals([process.time.held, process.confirmedOff], [false, 0]);
    assertEquals(process.events, ["held", "return"]);
    assertEquals((await world.row())!.seconds <= world.seconds, true, "no wrong time was written");
  }));

Deno.test("a clock that goes back is followed at once, and ends nothing that its own time has not", () =>
  inWorld(async (world) => {
    const process = await world.start();
    await world.pass(60);
    process.off = -5 * HOUR;
    assertEquals([process.time.held, process.confirmedOff], [false, -5 * HOUR]);
    await world.pass(2 * CONFIRM_SECONDS);
    process.off = 0;
    // What was followed for ten minutes is what a leap ahead is held against.
    assertEquals([process.time.held, process.confirmedOff], [true, -5 * HOUR]);
    await world.pass(CONFIRM_SECONDS);
    assertEquals(process.confirmedOff, 0);
  }));

Deno.test("steps of NTP, and a drift that any clock has, are followed without a word", () =>
  inWorld(async (world) => {
    const process = await world.start();
    for (const step of [1, -1, 60, -60, LEAP_SECONDS, 0]) {
      process.off = step;
      assertEquals([process.time.held, process.confirmedOff], [false, step]);
      await world.pass(60);
    }
    for (let day = 0; day < 30 * 24; day++) {
      world.seconds += HOUR;
      process.off += 2;
      assertEquals(process.confirmedOff, process.off);
    }
    assertEquals(process.events, []);
  }));

Deno.test("a clock that creeps ahead in small steps is found out", () =>
  inWorld(async (world) => {
    const process = await world.start();
    for (let minute = 0; minute < 50; minute++) {
      process.off += 60;
      await world.pass(60);
    }
    assertEquals(process.events[0], "held");
    assertEquals(process.confirmedOff <= LEAP_SECONDS, true);
  }));

Deno.test("at a start a clock is held against the newest confirmed time: for ten minutes, however long it was off", () =>
  inWorld(async (world) => {
    const first = await world.start();
    await world.pass(600);
    world.kill(first);
    const known = (await world.row())!.seconds;
    world.seconds += 72 * HOUR;
    const next = await world.start();
    assertEquals([next.time.held, next.time.confirmedSeconds()], [true, known]);
    await world.pass(CONFIRM_SECONDS);
    assertEquals([next.time.held, next.confirmedOff], [false, 0]);
    world.kill(next);
    // A restart is no leap.
    world.seconds += 120;
    assertEquals((await world.start()).events, []);
  }));

Deno.test("a start without a confirmed time goes by the newest that anything in the store tells", () =>
  inWorld(async (world) => {
    const fresh = new Process(world);
    await fresh.time.open(() => Promise.resolve(undefined));
    assertEquals([fresh.time.held, fresh.confirmedOff], [false, 0]);
    const old = new Process(world);
    await old.time.open(() => Promise.resolve(NOW - 50 * HOUR));
    assertEquals([old.time.held, old.confirmedOff], [true, -50 * HOUR]);
  }));

Deno.test("a process whose clock is ahead waits for as long as others are at work, and they never wait for it", () =>
  inWorld(async (world) => {
    const right = [await world.start(), await world.start()];
    await world.pass(120);
    const wrong = await world.start(50 * HOUR);
    await world.pass(5 * HOUR);
    assertEquals([wrong.time.held, wrong.confirmedOff <= 0], [true, true]);
    assertEquals(right.map(({ events, confirmedOff }) => [events, confirmedOff]), [[[], 0], [[], 0]]);
    assertEquals(Math.abs((await world.row())!.seconds - world.seconds) <= 120, true);
    // One that leaps while it runs does the same.
    right[0]!.off = 50 * HOUR;
    await world.pass(HOUR);
    assertEquals([right[0]!.time.held, right[0]!.confirmedOff <= 0], [true, true]);
    assertEquals([right[1]!.events, right[1]!.confirmedOff], [[], 0]);
    // Once nobody contradicts, its own ten minutes count.
    world.kill(right[1]!);
    await world.pass(CONFIRM_SECONDS + 120);
    assertEquals([wrong.time.held, wrong.confirmedOff], [false, 50 * HOUR]);
  }));

Deno.test("of many that start after an outage, one that is ahead is confirmed by none and confirms nothing", () =>
  inWorld(async (world) => {
    const before = await world.start();
    await world.pass(120);
    world.kill(before);
    world.seconds += 72 * HOUR;
    const wrong = await world.start(50 * HOUR);
    await world.pass(300);
    const right = await world.start();
    await world.pass(HOUR);
    assertEquals([right.time.held, right.confirmedOff], [false, 0]);
    assertEquals([wrong.time.held, wrong.confirmedOff <= 0], [true, true]);
  }));

Deno.test("a wrong newest time holds nobody, and is forgotten once nobody stands for it", () =>
  inWorld(async (world) => {
    const wrong = await world.start();
    wrong.off = 50 * HOUR;
    await world.pass(2 * CONFIRM_SECONDS);
    assertEquals((await world.row())!.seconds > world.seconds + 49 * HOUR, true);
    const right = await world.start();
    assertEquals([right.time.held, right.confirmedOff], [false, 0]);
    // The one that is ahead meets a right one no earlier than that one writes.
    world.kill(wrong);
    await world.pass(CONFIRM_SECONDS + 600);
    assertEquals(Math.abs((await world.row())!.seconds - world.seconds) <= 120, true);
    assertEquals(right.events, []);
    assertEquals((await world.start(50 * HOUR)).time.held, true);
  }));

Deno.test("where no process is there for ten minutes, each goes on with the waiting of the one before", () =>
  inWorld(async (world) => {
    world.kill(await world.start());
    await world.start().then(({ time }) => time.refresh());
    world.seconds += 24 * HOUR;
    const hourly = async () => {
      const process = await world.start();
      await process.time.refresh();
      const { confirmedOff } = process;
      world.kill(process);
      world.seconds += HOUR;
      return confirmedOff;
    };
    assertEquals([await hourly(), await hourly()], [-24 * HOUR, 0]);
    assertEquals([await hourly(), await hourly()], [-HOUR, 0], "an hour is as good as a leap");
    // Where its clock says something else each time, no waiting goes on.
    const leaping = async (off: number) => (await world.start(off)).confirmedOff;
    world.seconds += 24 * HOUR;
    assertEquals(await leaping(50 * HOUR) < 0, true);
    assertEquals(await leaping(90 * HOUR) < 0, true);
  }));

Deno.test("an operator confirms the time, for every process that agrees, as often as they like", () =>
  inWorld(async (world) => {
    const processes = [await world.start(), await world.start()];
    await world.pass(120);
    for (const process of processes) process.off = 50 * HOUR;
    assertEquals(processes.map(({ time }) => time.held), [true, true]);
    const wrong = await world.start(90 * HOUR);
    const { time } = processes[0]!;
    const disputed = await assertRejects(() => time.confirm(world.seconds), Refusal);
    assertEquals([disputed.code, time.held], ["time_disputed", true]);
    for (let call = 0; call < 3; call++) {
      assertEquals(await time.confirm(world.seconds + 50 * HOUR - 200), {
        seconds: world.seconds + 50 * HOUR,
      });
    }
    assertEquals([time.held, processes[0]!.confirmedOff], [false, 50 * HOUR]);
    await world.pass(60);
    assertEquals(processes.map(({ time }) => time.held), [false, false]);
    assertEquals(processes.map(({ events }) => events), [["held", "operator"], ["held", "operator"]]);
    assertEquals(wrong.time.held, true);
  }));

Deno.test("all processes of a store together write the time once a minute or less", () =>
  inWorld(async (world) => {
    const processes = await Promise.all(Array.from({ length: 5 }, () => world.start()));
    let writes = 0;
    const commit = world.store.commit.bind(world.store);
    world.store.commit = async (build) => {
      const stamp = await commit(build);
      if (stamp !== undefined) writes++;
      return stamp;
    };
    await world.pass(HOUR);
    assertEquals([writes <= 60, writes >= 30, processes.length], [true, true, 5], `${writes}`);
  }));
