/**
 * What the claims of every engine have to do: core/store/claims.ts as tests.
 *
 * An engine may let the winners of a group win though others lose, or say that they are free until they are asked for
 * alone: so these tests ask again for what is free, as core/ledger/group_retry.ts does.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Claim, ClaimingEngine, Claims, Guard } from "../../core/store/claims.ts";
import { roomInValue } from "../../core/store/limits.ts";
import type { Engine, Key, Write } from "../../core/store/port.ts";
import { Store } from "../../core/store/store.ts";
import type { EngineUnderTest } from "./engine_under_test.ts";

/** A claim of a test. */
export interface Named extends Claim {
  /** What tells it from others. */
  readonly name: string;
}

/** A claim, which is told from others to its row by its value, 0 to 255. */
export function claimOf(guard: Guard, name: string, value: number): Named {
  return { key: ["claim", name], value: Uint8Array.of(value), guard, name };
}

/** The row that goes with a claim that wins. */
function besideOf({ name, value }: Named): Key {
  return ["beside", name, value];
}

/** Writes the row of each winner. */
export function writesOf(winners: readonly Named[]): Write[] {
  return winners.map((claim) => ({ type: "set", key: besideOf(claim), value: claim.name }));
}

/** Writes three rows to depend on. */
export async function withGuards(engine: Engine): Promise<[Guard, Guard, Guard]> {
  const write = async (name: string): Promise<Guard> => {
    const key = ["guard", name];
    const done = await engine.commit([], [{ type: "set", key, value: true }]);
    if (!done.ok) throw new Error("A guard was refused.");
    return { key, stamp: done.stamp };
  };
  return [await write("a"), await write("b"), await write("c")];
}

/** Asserts that each claim and its row were written by one commit, or neither by any, and that this is so of all. */
export async function assertTogether(engine: Engine, group: readonly Named[]): Promise<"written" | "absent"> {
  const stamps: (string | null)[] = [];
  for (const claim of group) {
    const [row, beside] = [await engine.get(claim.key), await engine.get(besideOf(claim))];
    assertEquals(beside.stamp, row.stamp, claim.name);
    if (row.stamp !== null) assertEquals([row.value, beside.value], [claim.value, claim.name]);
    stamps.push(row.stamp);
  }
  assertEquals(new Set(stamps).size, 1);
  return stamps.includes(null) ? "absent" : "written";
}

/** How a group ended. */
interface Settled {
  /** Those that stand. */
  readonly won: Named[];
  /** The others, with what they met. */
  readonly lost: { readonly name: string; readonly to: unknown }[];
}

/** Whether what stands in a row is a claim's own value. */
function isOwn(value: unknown, claim: Named): boolean {
  return value instanceof Uint8Array && value.length === 1 && value[0] === claim.value[0];
}

/** Claims a group, and what is free of it again. A claim that finds its own value stands. */
export async function claimUntilSettled(claims: Claims, group: readonly Named[]): Promise<Settled> {
  const [won, lost] = [new Set<Named>(), new Map<Named, unknown>()];
  let left = group;
  for (let attempt = 0; left.length > 0; attempt++) {
    assert(attempt < 1_000, "claims stay free");
    const outcomes = await claims.claimGroup(left, writesOf);
    assertEquals(outcomes.map(({ claim }) => claim), left, "in the order of the group");
    for (const outcome of outcomes) {
      const { is, claim } = outcome;
      if (is === "accepted" || (is === "taken" && isOwn(outcome.value, claim))) won.add(claim);
      else if (is === "taken") lost.set(claim, outcome.value);
      else if (is === "guard_over") lost.set(claim, is);
    }
    left = left.filter((claim) => !won.has(claim) && !lost.has(claim));
  }
  return {
    won: group.filter((claim) => won.has(claim)),
    lost: group.filter((claim) => lost.has(claim)).map((claim) => ({
      name: claim.name,
      to: lost.get(claim),
    })),
  };
}

/** What became of each claim of one call. */
async function outcomesOf(claims: Claims, group: readonly Named[]): Promise<string[]> {
  const outcomes = await claims.claimGroup(group, writesOf);
  assertEquals(outcomes.map(({ claim }) => claim), group);
  return outcomes.map((outcome) => outcome.is === "taken" ? `taken by ${outcome.value}` : outcome.is);
}

async function rowsOf(engine: Engine, name: "claim" | "beside"): Promise<Key[]> {
  return (await engine.list({ prefix: [name] }, { limit: 500 })).entries.map(({ key }) => key);
}

/** The greatest number that holds, of which `tooMany` does not. */
function greatest(tooMany: number, holds: (number: number) => boolean): number {
  let [low, high] = [0, tooMany];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** What a test works with. */
interface Bench {
  readonly engine: ClaimingEngine;
  readonly claims: Claims;
  readonly guards: readonly [Guard, Guard, Guard];
  /** Opens the same store once more, and gives what claims in it. */
  readonly openClaims: () => Promise<Claims>;
}

/** Registers the tests. */
export function testClaims({ name, withStore, writers = 20 }: EngineUnderTest): void {
  const claimsIn = (engine: ClaimingEngine) => new Store(engine, { deadlineMs: 60_000 }).claims;
  const test = (what: string, run: (bench: Bench) => Promise<void>) =>
    Deno.test(`claims in ${name}: ${what}`, () =>
      withStore(async (open) => {
        const engine = await open();
        const openClaims = async () => claimsIn(await open());
        await run({ engine, claims: claimsIn(engine), guards: await withGuards(engine), openClaims });
      }));

  test("free ones are accepted, and written in one commit with what goes with them", async (bench) => {
    const { engine, claims, guards: [a, b] } = bench;
    const group = [claimOf(a, "x", 1), claimOf(b, "y", 2), claimOf(a, "z", 3)];
    assertEquals(await outcomesOf(claims, group), ["accepted", "accepted", "accepted"]);
    assertEquals(await assertTogether(engine, group), "written");
    assertEquals((await engine.get(a.key)).stamp, a.stamp, "a guard stays as it is");
  });

  test("one that is taken gives the value that stands, and writes nothing", async (bench) => {
    const { engine, claims, guards: [a] } = bench;
    const first = claimOf(a, "x", 1);
    assertEquals(await outcomesOf(claims, [first]), ["accepted"]);
    assertEquals(await outcomesOf(claims, [claimOf(a, "x", 2)]), ["taken by 1"]);
    assertEquals(await assertTogether(engine, [first]), "written");
    assertEquals(await rowsOf(engine, "beside"), [besideOf(first)]);
    // Whatever stands there.
    await engine.commit([], [{ type: "set", key: ["claim", "v"], value: "text" }]);
    assertEquals(await outcomesOf(claims, [claimOf(a, "v", 3)]), ["taken by text"]);
  });

  test("the winners of a group with a loser are written, and the loser is not", async (bench) => {
    const { engine, claims, guards: [a, b] } = bench;
    const first = claimOf(a, "x", 1);
    await outcomesOf(claims, [first]);
    const [v, x, y] = [claimOf(a, "v", 2), claimOf(a, "x", 3), claimOf(b, "y", 4)];
    assertEquals(await claimUntilSettled(claims, [v, x, y]), {
      won: [v, y],
      lost: [{ name: "x", to: Uint8Array.of(1) }],
    });
    assertEquals(await assertTogether(engine, [first]), "written");
    assertEquals(await assertTogether(engine, [v, y]), "written");
    assertEquals(await rowsOf(engine, "claim"), [v.key, x.key, y.key]);
    assertEquals(await rowsOf(engine, "beside"), [v, first, y].map(besideOf));
  });

  test("one whose guard was deleted or written anew is over, unless it is taken", async (bench) => {
    const { engine, claims, guards: [a, b, c] } = bench;
    await outcomesOf(claims, [claimOf(b, "x", 1)]);
    await engine.commit([], [{ type: "delete", key: b.key }, { type: "set", key: c.key, value: true }]);
    const over = [claimOf(b, "w", 2), claimOf(c, "y", 3)];
    assertEquals(await outcomesOf(claims, over), ["guard_over", "guard_over"]);
    assertEquals(await outcomesOf(claims, [claimOf(b, "x", 4)]), ["taken by 1"]);
    assertEquals(await assertTogether(engine, over), "absent");
    const holds = claimOf(a, "z", 5);
    const { won, lost } = await claimUntilSettled(claims, [...over, claimOf(b, "x", 4), holds]);
    assertEquals(won, [holds]);
    assertEquals(lost.map(({ to }) => to), ["guard_over", "guard_over", Uint8Array.of(1)]);
    assertEquals(await rowsOf(engine, "claim"), [["claim", "x"], ["claim", "z"]]);
    assertEquals((await rowsOf(engine, "beside")).map(([, name]) => name), ["x", "z"]);
  });

  test(`of ${writers} groups at once over the same rows each is had by one, once`, async (bench) => {
    const { engine, guards, openClaims } = bench;
    const clients = [bench.claims, await openClaims()];
    const ids = 8;
    const groups = Array.from({ length: writers }, (_, writer) =>
      // All but two, each beginning elsewhere.
      Array.from({ length: ids - 2 }, (_, at): Named => {
        const id = (writer + at) % ids;
        return claimOf(guards[id % 2 === 0 ? 0 : 1], `${id}`, writer);
      }));
    const settled = await Promise.all(
      groups.map((group, writer) => claimUntilSettled(clients[writer % 2] ?? bench.claims, group)),
    );
    const won = settled.flatMap((group) => group.won).sort((a, b) => a.name < b.name ? -1 : 1);
    assertEquals(won.map(({ name }) => name), Array.from({ length: ids }, (_, id) => `${id}`));
    for (const claim of won) assertEquals(await assertTogether(engine, [claim]), "written");
    assertEquals(await rowsOf(engine, "beside"), won.map(besideOf));
    // Whoever lost was told who won.
    const winners = new Map(won.map(({ name, value }) => [name, value]));
    for (const { name, to } of settled.flatMap(({ lost }) => lost)) assertEquals(to, winners.get(name));
  });

  test("those that have landed are taken by their own values, and not written again", async (bench) => {
    const { engine, claims, guards: [a, b], openClaims } = bench;
    const group = [claimOf(a, "x", 1), claimOf(b, "y", 2)];
    await outcomesOf(claims, group);
    const { stamp } = await engine.get(["claim", "x"]);
    for (const again of [claims, await openClaims()]) {
      assertEquals(await outcomesOf(again, group), ["taken by 1", "taken by 2"]);
      assertEquals(await assertTogether(engine, group), "written");
      assertEquals((await engine.get(["claim", "x"])).stamp, stamp);
    }
    // Though what they depended on is over since.
    await engine.commit([], [{ type: "delete", key: a.key }]);
    assertEquals(await outcomesOf(claims, group), ["taken by 1", "taken by 2"]);
  });

  test("a group goes through that is as large as may be, and is found again", async (bench) => {
    const { engine, claims, guards: [a, b] } = bench;
    const most = () => greatest(1_000, (count) => claims.fits(count, 2, 0));
    // The engine may learn from a group that it takes less; then all of it is free, and the next is smaller.
    for (let size = most();; size = most()) {
      assert(size > 1, "room for two claims with a guard each");
      const group = Array.from({ length: size }, (_, at) => claimOf(at % 2 === 0 ? a : b, `${at}`, at % 256));
      const outcomes = new Set(await outcomesOf(claims, group));
      if (outcomes.has("free")) {
        assertEquals([outcomes.size, await rowsOf(engine, "claim"), most() < size], [1, [], true]);
        continue;
      }
      assertEquals([...outcomes], ["accepted"]);
      assertEquals(await assertTogether(engine, group), "written");
      assertEquals(await outcomesOf(claims, group), group.map((_, at) => `taken by ${at % 256}`));
      return;
    }
  });

  test("a group goes through with as many bytes as may be", async (bench) => {
    const { engine, claims, guards: [a] } = bench;
    const { limits } = engine;
    const bytes = greatest(limits.bytesPerCommit + 1, (bytes) => claims.fits(1, 1, bytes));
    assert(bytes >= roomInValue(limits), "room for a row as large as may be");
    const rows: Write[] = [];
    for (let left = bytes; left > 0; left -= roomInValue(limits)) {
      const value = new Uint8Array(Math.min(left, roomInValue(limits))).fill(7);
      rows.push({ type: "set", key: ["beside", rows.length], value });
    }
    const outcomes = await claims.claimGroup([claimOf(a, "x", 1)], () => rows);
    assertEquals(outcomes.map(({ is }) => is), ["accepted"]);
    assertEquals((await rowsOf(engine, "beside")).length, rows.length);
  });
}
