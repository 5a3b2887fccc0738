/**
 * What goes wrong in the run of mixed faults.
 *
 * @module
 */
import { HalfOpen } from "../../support/processes/half_open.ts";
import { noFaults } from "../../support/store/kv_faults.ts";
import type { World } from "./world.ts";

/** A fault that lasts until it is healed. */
export interface MixedFault {
  readonly name: string;
  /** Whether this machine can do it. */
  readonly isPossible: (world: World) => boolean;
  /** Lets it happen; gives what heals it. */
  readonly strike: (world: World) => Promise<() => void | Promise<void>> | (() => void | Promise<void>);
}

const always = () => true;
const HOUR = 3_600;

/** More than a process of the run may have. */
const HALF_OPEN = 320;

/** Asks one process for more than the throttle allows, until it is told to stop; first until it is told so by a 429. */
async function flood(url: string): Promise<() => Promise<void>> {
  let running = true;
  const throttled = Promise.withResolvers<void>();
  const ask = async () => {
    const response = await fetch(`${url}/v1/apps/load/keys`);
    if (response.status === 429) throttled.resolve();
    await response.body?.cancel();
  };
  const askers = Array.from({ length: 24 }, async () => {
    while (running) await ask().catch(() => {});
  });
  await throttled.promise;
  return async () => {
    running = false;
    await Promise.all(askers);
  };
}

/** An hour ahead or behind, but never in another day: a key of another day is not known, or over, for good reason. */
function leapSeconds(random: () => number): number {
  const hour = new Date().getUTCHours();
  if (hour >= 22) return -HOUR;
  if (hour < 2) return HOUR;
  return random() < 0.5 ? -HOUR : HOUR;
}

/** All of them. */
export const FAULTS: readonly MixedFault[] = [
  {
    name: "half-open connections",
    isPossible: always,
    async strike({ anyone }) {
      const connections = new HalfOpen(anyone().port);
      await connections.open(HALF_OPEN);
      return () => connections.close(connections.size);
    },
  },
  { name: "a flood", isPossible: always, strike: ({ anyone }) => flood(anyone().url) },
  {
    name: "a clock that leaps",
    isPossible: ({ members }) => members.every(({ clock }) => clock !== undefined),
    strike({ anyone, random }) {
      const { clock } = anyone();
      clock?.set(leapSeconds(random));
      return () => clock?.set(0);
    },
  },
  {
    name: "a full disk",
    isPossible: ({ smallDisk }) => smallDisk !== undefined,
    async strike({ smallDisk }) {
      const ballast = `${smallDisk}/ballast`;
      const file = await Deno.open(ballast, { write: true, create: true });
      const block = new Uint8Array(1024 * 1024);
      try {
        while (true) await file.write(block);
      } catch {
        // It is full.
      }
      file.close();
      return () => Deno.remove(ballast);
    },
  },
  {
    name: "a killed process",
    isPossible: always,
    async strike(world) {
      const [, ...mortal] = world.members;
      const member = mortal[Math.floor(world.random() * mortal.length)];
      if (member === undefined) return () => {};
      await world.replace(member);
      return () => {};
    },
  },
  {
    name: "no key set of sessions",
    isPossible: always,
    async strike({ jwks, random }) {
      jwks.down = true;
      // Sessions are signed with a key that nobody knows yet.
      if (random() < 0.5) await jwks.rotate();
      return () => void (jwks.down = false);
    },
  },
  {
    name: "a store that fails",
    isPossible: always,
    strike({ endpoint, random }) {
      const kinds = [
        { unavailable: 0.5 },
        { unavailableAfterWrite: 0.5 },
        { cut: 0.5 },
        { cutAfterWrite: 0.5 },
        { delayAnswerMs: 700 },
        { hangAnswer: true },
        { truncateAnswer: 0.5 },
      ];
      Object.assign(endpoint.faults, kinds[Math.floor(random() * kinds.length)]);
      return () => void Object.assign(endpoint.faults, noFaults());
    },
  },
];
