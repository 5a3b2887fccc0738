import { assertEquals, assertThrows } from "@std/assert";
import { Refusal } from "../../../core/base/errors.ts";
import { Guesses } from "../../../edge/admission/guesses.ts";

const HERE = "192.0.2.1";
const ELSEWHERE = "198.51.100.1";
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

function makeGuesses() {
  const clock = { now: 0 };
  const guesses = new Guesses(random, () => clock.now);
  /** How many of as many tokens are not refused. */
  const show = (address: string, right: boolean, times: number) => {
    let passed = 0;
    for (let index = 0; index < times; index++) {
      try {
        guesses.shown(address, () => right);
        passed++;
      } catch (error) {
        if (!(error instanceof Refusal && error.code === "overloaded")) throw error;
      }
    }
    return passed;
  };
  return { guesses, clock, show };
}

Deno.test("shown() passes ten wrong tokens from one network, then one in ten seconds", () => {
  const { clock, show } = makeGuesses();
  assertEquals(show(HERE, false, 100), 10);
  clock.now += 25_000;
  assertEquals(show(HERE, false, 100), 2);
  assertEquals(show(ELSEWHERE, false, 100), 10);
});

Deno.test("shown() tells a network with too many wrong ones when to come back", () => {
  const { guesses, show } = makeGuesses();
  show(HERE, false, 10);
  const { details } = assertThrows(() => guesses.shown(HERE, () => false), Refusal);
  assertEquals(details.retryAfterSeconds, 10);
});

Deno.test("shown() counts no right token, however many there are", () => {
  const { show } = makeGuesses();
  assertEquals(show(HERE, true, 1_000), 1_000);
});

Deno.test("shown() never refuses a right token, whatever others guess beside it and however long", () => {
  const { clock, show } = makeGuesses();
  const QUARTER_MINUTE_MS = 15_000;
  let guessed = 0;
  for (clock.now = 0; clock.now < 3 * 3_600_000; clock.now += QUARTER_MINUTE_MS) {
    guessed += show(HERE, false, 30);
    assertEquals(show(HERE, true, 1), 1, `${clock.now} ms`);
  }
  // The guesser hears that it is too much: ten, then one in ten seconds.
  assertEquals(guessed > 1_000 && guessed < 1_200, true, `${guessed}`);
});

Deno.test("attempt() and shown() count for one network together", () => {
  const { guesses, show } = makeGuesses();
  for (let index = 0; index < 6; index++) guesses.attempt(HERE);
  assertEquals(show(HERE, false, 100), 4);
  assertThrows(() => guesses.attempt(HERE), Refusal);
});
