import { assert, assertEquals } from "@std/assert";
import { BoundedContributions, type CellTotal } from "../../../../core/privacy/dp/contributions.ts";
import { SipHash } from "../../../../core/privacy/sketch/siphash.ts";
import { seededRandom } from "../../../support/base/seeded_random.ts";
import { chiSquareExcess } from "../../../support/privacy/statistics.ts";

function totalsOf(
  added: readonly (readonly [person: string, cell: string])[],
  cellsPerPerson: number,
  eventsPerCell: number,
  key = new SipHash(new Uint8Array(16)),
): Map<string, CellTotal> {
  const contributions = new BoundedContributions({ cellsPerPerson, eventsPerCell }, key);
  for (const [person, cell] of added) contributions.add(person, cell);
  const totals = new Map<string, CellTotal>();
  contributions.addTo(totals);
  return totals;
}

function sums(totals: Map<string, CellTotal>): CellTotal {
  return [...totals.values()].reduce(
    (sum, { people, events, marked }) => ({
      people: sum.people + people,
      events: sum.events + events,
      marked: sum.marked + marked,
    }),
    { people: 0, events: 0, marked: 0 },
  );
}

Deno.test("BoundedContributions counts a person once a cell, however often they are seen", () => {
  const added = Array.from({ length: 50 }, () => ["alice", "1"] as const);
  assertEquals(
    totalsOf([...added, ["bob", "1"], ["bob", "2"]], 2, 1),
    new Map([
      ["1", { people: 2, events: 2, marked: 0 }],
      ["2", { people: 1, events: 1, marked: 0 }],
    ]),
  );
});

Deno.test("BoundedContributions bounds cells and events of a person, whatever they send", () => {
  const random = seededRandom(1);
  for (const [cells, events] of [[1, 1], [1, 5], [3, 1], [3, 5]] as const) {
    const added = Array.from({ length: 5_000 }, () => ["alice", String(random.uint32() % 40)] as const);
    const totals = totalsOf(added, cells, events);
    assertEquals(totals.size, cells);
    assertEquals(sums(totals), { people: cells, events: cells * events, marked: 0 });
  }
});

Deno.test("BoundedContributions keeps the same cells in whatever order they come", () => {
  const added = Array.from({ length: 60 }, (_, index) => [`p${index % 3}`, String(index)] as const);
  assertEquals(
    new Map([...totalsOf(added, 4, 2)].sort()),
    new Map([...totalsOf(added.toReversed(), 4, 2)].sort()),
  );
});

Deno.test("BoundedContributions chooses among a person's cells uniformly", () => {
  const random = seededRandom(2);
  const observed = Array<number>(10).fill(0);
  for (let round = 0; round < 20_000; round++) {
    const added = observed.map((_, cell) => ["alice", String(cell)] as const);
    for (const cell of totalsOf(added, 1, 1, new SipHash(random.bytes(16))).keys()) observed[Number(cell)]!++;
  }
  assert(chiSquareExcess(observed, observed.map(() => 0.1)) < 1);
});

Deno.test("removing a person changes nobody else's contribution, and each cell by no more than the bounds", () => {
  const random = seededRandom(3);
  const key = new SipHash(random.bytes(16));
  const added = Array.from(
    { length: 3_000 },
    () => [`p${random.uint32() % 50}`, String(random.uint32() % 30)] as const,
  );
  const all = totalsOf(added, 3, 2, key);
  for (let person = 0; person < 50; person++) {
    const without = totalsOf(added.filter(([name]) => name !== `p${person}`), 3, 2, key);
    let changed = 0;
    for (const [cell, { events }] of all) {
      const difference = events - (without.get(cell)?.events ?? 0);
      assert(difference >= 0 && difference <= 2);
      if (difference > 0) changed++;
    }
    assert(changed <= 3);
  }
});
