/**
 * A day in the life of an app's clients: when each wakes, logs and sends, as the SDK would.
 *
 * @module
 */
import type { SeededRandom } from "../support/base/seeded_random.ts";

/** How clients behave. */
export interface Habits {
  /** How many there are. */
  readonly clients: number;
  /** Most seconds by which the SDK waits, at random, before it sends; 0: it sends at once. */
  readonly delaySeconds: number;
  /** Hours in which clients wake, from midnight; 24 is an ordinary day with its night. */
  readonly hours: number;
}

/** Something that a client does: it asks for a token, or sends what it has logged since. */
export interface Deed {
  /** Seconds since midnight, with their fraction. */
  readonly at: number;
  readonly client: number;
  readonly kind: "issue" | "send";
  /** Of what is sent: when it was logged, in seconds since midnight. */
  readonly logged: readonly number[];
}

/** Uses that one token has, and those that are left when the SDK asks for the next one. */
const USES = 64;
const SPARE_USES = 8;
/** How many clients wake in each hour of a day, in relation to each other. */
const WAKING = [2, 1, 1, 1, 1, 2, 4, 7, 9, 9, 8, 8, 9, 8, 8, 8, 9, 10, 11, 12, 11, 9, 6, 4];
/** One client in so many never stops logging. */
const HEAVY = 100;

/** Everything that all clients do in a day, in order of time. */
export function makeDay(habits: Habits, random: SeededRandom): Deed[] {
  const deeds: Deed[] = [];
  for (let client = 0; client < habits.clients; client++) deeds.push(...deedsOf(client, habits, random));
  return deeds.sort((a, b) => a.at - b.at);
}

function deedsOf(client: number, habits: Habits, random: SeededRandom): Deed[] {
  const deeds: Deed[] = [];
  const moments = momentsOf(client, habits, random);
  let sent = 0;
  let issued = 0;
  while (moments.length > 0) {
    const first = moments[0]!;
    if (issued === 0) {
      // It asks for its token of the day as soon as it has something to log.
      deeds.push({ at: first + 0.1 + random.unit(), client, kind: "issue", logged: [] });
      issued++;
    }
    const ready = Math.max(first + 0.2, sent === 0 ? deeds[0]!.at + 0.1 : 0);
    const at = ready + random.unit() * Math.max(habits.delaySeconds, 0.2);
    const logged = moments.filter((moment) => moment <= at);
    moments.splice(0, logged.length);
    deeds.push({ at, client, kind: "send", logged });
    sent++;
    if (sent === issued * USES - SPARE_USES) {
      deeds.push({ at: at + 0.1, client, kind: "issue", logged: [] });
      issued++;
    }
  }
  return deeds;
}

/** When a client logs something: a few sessions of a few logs each. */
function momentsOf(client: number, { hours }: Habits, random: SeededRandom): number[] {
  const end = hours * 3_600;
  const wakes = hours === 24 ? wakingHour(random) * 3_600 + random.unit() * 3_600 : random.unit() * end;
  const sessions = 1 + Math.floor(random.unit() * 3);
  const moments: number[] = [];
  const perSession = client % HEAVY === 0 ? 40 : 2;
  for (let session = 0; session < sessions; session++) {
    let at = session === 0 ? wakes : wakes + random.unit() * (end - wakes);
    const logs = 1 + Math.floor(random.unit() * perSession);
    for (let log = 0; log < logs && at < end; log++) {
      moments.push(at);
      at += exponential(300, random);
    }
  }
  return moments.sort((a, b) => a - b);
}

function wakingHour(random: SeededRandom): number {
  let left = random.unit() * WAKING.reduce((sum, weight) => sum + weight, 0);
  return WAKING.findIndex((weight) => (left -= weight) < 0);
}

function exponential(mean: number, random: SeededRandom): number {
  return -mean * Math.log(1 - random.unit());
}
