import { assertEquals, assertThrows } from "@std/assert";
import { Refusal } from "../../../core/base/errors.ts";
import { Guesses } from "../../../edge/admission/guesses.ts";

const HERE = "192.0.2.1";
const ELSEWHERE = "198.51.100.1";
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

function makeGuesses() {
  const clock = { now: 0 };
  const guesses = new Guesses(random, () => clock.now);
  /** How many of as many tokens are looked at. */
  const show = (address: string, right: boolean, times: number) => {
    let looked = 0;
    for (let index = 0; index < times; index++) {
      try {
        guesses.shown(address, () => {
          looked++;
          return right;
        });
      } catch (error) {
        if (!(error instanceof Refusal && error.code === "overloaded")) throw error;
      }
    }
    return looked;
  };
  return { guesses, clock, show };
}

Deno.test("shown() looks at ten wrong tokens from one network, then at one in ten seconds", () => {
  const { clock, show } = makeGuesses();
  assertEquals(show(HERE, false, 100), 10);
  clock.now += 25_000;
  assertEquals(show(HERE, false, 100), 2);
  assertEquals(show(ELSEWHERE, false, 100), 10);
});

Deno.test("shown() tells a network with too many wrong ones nothing of a right one, and when to come back", () => {
  const { guesses, show } = makeGuesses();
  show(HERE, false, 10);
  assertEquals(show(HERE, true, 1), 0);
  const { details } = assertThrows(() => guesses.shown(HERE, () => true), Refusal);
  assertEquals(details.retryAfterSeconds, 10);
});

Deno.test("shown() counts no right token, however many there are", () => {
  const { show } = makeGuesses();
  assertEquals(show(HERE, true, 1_000), 1_000);
});

Deno.test("shown() keeps nobody out who was right from there within the hour, whatever others guess there", () => {
  const { guesses, clock, show } = makeGuesses();
  assertEquals(show(HERE, true, 1), 1);
  show(HERE, false, 100);
  assertEquals(show(HERE, true, 50), 50);
  // The guesser hears that it is too much.
  assertThrows(() => guesses.shown(HERE, () => false), Refusal);
  clock.now += 3_600_000;
  show(HERE, false, 100);
  assertEquals(show(HERE, true, 1), 0);
});

Deno.test("attempt() and shown() count for one network together", () => {
  const { guesses, show } = makeGuesses();
  for (let index = 0; index < 6; index++) guesses.attempt(HERE);
  assertEquals(show(HERE, false, 100), 4);
  assertThrows(() => guesses.attempt(HERE), Refusal);
});
