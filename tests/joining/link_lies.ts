/**
 * A lying service tries to join what belongs together, in every way that we know, and must do no better than who guesses
 * with what docs/threat_model.md concedes. `DIT_JOINING=long`: with clients that were built in each way.
 */
// deno-lint-ignore-file no-console -- the figures are what docs/threat_model.md says.
import { assert } from "@std/assert";
import { STRATEGIES } from "./lying/strategies.ts";
import { type Strategy, tryStrategy, tryWeak } from "./lying/strategy.ts";
import type { Mode } from "./lying/world.ts";

/** What chance does once in ten thousand trials. */
const RARE = 1e-4;
/** What chance does never. */
const IMPOSSIBLE = 1e-6;

const MODES: readonly Mode[] = ["no mirror", "pin", "declared", "mirror"];
const IS_LONG = Deno.env.get("DIT_JOINING") === "long";

/** In the short form, the ways in which something else is conceded, and a mirror. */
function modesOf({ concedes }: Strategy): readonly Mode[] {
  const others = MODES.slice(0, -1);
  return MODES.filter((mode, index) =>
    IS_LONG || mode === "mirror" || others.findIndex((other) => concedes[other] === concedes[mode]) === index
  );
}

for (const strategy of STRATEGIES) {
  const { concedes, goal, name, weak } = strategy;
  for (const mode of modesOf(strategy)) {
    Deno.test(`a service that joins ${goal} by ${name} does no better than conceded (${mode})`, async () => {
      const { right, of, expected, chance } = await tryStrategy(strategy, mode);
      console.log(`${right} of ${of} right, ${expected.toFixed(1)} by ${concedes[mode].toFixed(1)} bits`);
      assert(chance > RARE, `${right} of ${of}, ${expected} are conceded`);
    });
  }

  Deno.test(`the attacker is a real one: ${name} joins ${goal} of ${weak.name}`, async () => {
    const { right, of, chance } = await tryWeak(strategy);
    console.log(`${right} of ${of} right`);
    assert(chance < IMPOSSIBLE, `${right} of ${of}`);
  });
}
