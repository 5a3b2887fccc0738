/**
 * Bounds what one person can contribute to a count, which is what makes noise of a fixed size hide them: at most so
 * many cells, and so many events in each.
 *
 * Of a person's cells those are kept whose keyed hashes are smallest: a uniformly random choice that needs to remember
 * no others, under a key that lives for one count. Which ones are kept depends on this person's own records alone, so
 * removing a person changes nobody else's contribution.
 *
 * @module
 */
import { utf8 } from "../../base/bytes.ts";
import type { Hash64 } from "../sketch/hash64.ts";
import type { SipHash } from "../sketch/siphash.ts";

/** How much one person may contribute. */
export interface ContributionBounds {
  /** Cells, from 1 up. */
  readonly cellsPerPerson: number;
  /** Events in each of them, from 1 up. */
  readonly eventsPerCell: number;
}

/** What is left of a cell after bounding. */
export interface CellTotal {
  /** People who have it among their kept cells. */
  readonly people: number;
  /** Their events in it, each person's bounded. */
  readonly events: number;
  /** Those of them with an event that is marked. */
  readonly marked: number;
}

interface Contribution {
  readonly cell: string;
  readonly hash: Hash64;
  events: number;
  isMarked: boolean;
}

/** Collects the records of one count. */
export class BoundedContributions {
  readonly #bounds: ContributionBounds;
  readonly #key: SipHash;
  readonly #people = new Map<string, Contribution[]>();
  /** One string a cell, however many people have it. */
  readonly #cells = new Map<string, string>();

  /** `key` is drawn for this count alone. */
  constructor(bounds: ContributionBounds, key: SipHash) {
    this.#bounds = bounds;
    this.#key = key;
  }

  /** How many people there are so far. */
  get people(): number {
    return this.#people.size;
  }

  /**
   * Adds an event of a person that belongs to a cell. Whether one is marked decides nothing about what is kept: so the
   * share of the marked among those who are kept is that among all.
   */
  add(person: string, cell: string, isMarked = false): void {
    let kept = this.#people.get(person);
    if (kept === undefined) this.#people.set(person, kept = []);
    const known = kept.find((contribution) => contribution.cell === cell);
    if (known !== undefined) {
      known.events = Math.min(known.events + 1, this.#bounds.eventsPerCell);
      known.isMarked ||= isMarked;
      return;
    }
    const hash = this.#key.hash(utf8(`${person} ${cell}`));
    const contribution = { cell: this.#intern(cell), hash, events: 1, isMarked };
    if (kept.length < this.#bounds.cellsPerPerson) {
      kept.push(contribution);
      return;
    }
    const last = kept.reduce((greatest, other) => isAbove(other.hash, greatest.hash) ? other : greatest);
    // A cell that was dropped once has a greater hash than all that are kept, and never comes back.
    if (isAbove(last.hash, hash)) kept[kept.indexOf(last)] = contribution;
  }

  /** The total of every cell that anybody has, added to `totals`. */
  addTo(totals: Map<string, CellTotal>): void {
    for (const kept of this.#people.values()) {
      for (const { cell, events, isMarked } of kept) {
        const before = totals.get(cell) ?? { people: 0, events: 0, marked: 0 };
        totals.set(cell, {
          people: before.people + 1,
          events: before.events + events,
          marked: before.marked + (isMarked ? 1 : 0),
        });
      }
    }
  }

  #intern(cell: string): string {
    const known = this.#cells.get(cell);
    if (known !== undefined) return known;
    this.#cells.set(cell, cell);
    return cell;
  }
}

function isAbove(a: Hash64, b: Hash64): boolean {
  return a.high > b.high || (a.high === b.high && a.low > b.low);
}
