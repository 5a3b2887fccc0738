import { assert, assertEquals, assertRejects } from "@std/assert";
import { Breaker, StoreUnavailable } from "../../../core/store/breaker.ts";

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function whyNot(promise: Promise<unknown>): Promise<string> {
  const error: StoreUnavailable = await assertRejects(() => promise, StoreUnavailable);
  return error.why;
}

/** Calls that stay unanswered until they are released. */
function hangingCalls(): { begin: () => Promise<void>; begun: () => number; release: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let begun = 0;
  return {
    begin: () => {
      begun++;
      return promise;
    },
    begun: () => begun,
    release: resolve,
  };
}

/** A breaker that has given up on two calls and is open. */
async function opened(firstTrialMs = 20): Promise<{ breaker: Breaker; release: () => void }> {
  const breaker = new Breaker({ maxUnanswered: 2, firstTrialMs, maxTrialMs: 2 * firstTrialMs });
  const { begin, release } = hangingCalls();
  await Promise.all([whyNot(breaker.call(begin, 5)), whyNot(breaker.call(begin, 5))]);
  return { breaker, release };
}

Deno.test("call() passes results on, and errors as failures with their cause", async () => {
  const breaker = new Breaker();
  assertEquals(await breaker.call(() => Promise.resolve(7), 100), 7);
  const cause = new TypeError("the store said so");
  const reject = () => breaker.call(() => Promise.reject(cause), 100);
  assertEquals((await assertRejects(reject, StoreUnavailable)).cause, cause);
  const throwing = () => {
    throw cause;
  };
  assertEquals(await whyNot(breaker.call(throwing, 100)), "failed");
  assertEquals(breaker.unanswered, 0);
});

Deno.test("call() gives up at the deadline and hears of the answer later", async () => {
  const breaker = new Breaker();
  const { begin, release } = hangingCalls();
  assertEquals(await whyNot(breaker.call(begin, 5)), "late");
  assertEquals(breaker.unanswered, 1);
  assert(!breaker.refuses);
  release();
  await sleep(0);
  assertEquals(breaker.unanswered, 0);
});

Deno.test("call() does not take its own standing still for a late answer, but gives up all the same", async () => {
  const breaker = new Breaker();
  const answer = () => sleep(100).then(() => 7);
  const { begin, release } = hangingCalls();
  const calls = [breaker.call(answer, 50), whyNot(breaker.call(begin, 50))];
  // Nothing else runs meanwhile, as in a process that is not scheduled; both the deadline and the answer are due then.
  for (const end = performance.now() + 500; performance.now() < end;);
  assertEquals(await Promise.all(calls), [7, "late"]);
  assertEquals(breaker.unanswered, 1);
  release();
});

Deno.test("call() sends nothing while too many are unanswered", async () => {
  const { breaker, release } = await opened(60_000);
  assert(breaker.refuses);
  const { begin, begun } = hangingCalls();
  assertEquals(await whyNot(breaker.call(begin, 5)), "refused");
  assertEquals(begun(), 0);
  release();
});

Deno.test("one call at a time tries an open breaker, and an answer closes it", async () => {
  const { breaker, release } = await opened();
  await sleep(25);
  const trial = Promise.withResolvers<number>();
  const trying = breaker.call(() => trial.promise, 1_000);
  assertEquals(await whyNot(breaker.call(() => Promise.resolve(), 5)), "refused");
  trial.resolve(1);
  assertEquals(await trying, 1);
  assert(!breaker.refuses);
  assertEquals(await breaker.call(() => Promise.resolve(2), 5), 2);
  release();
});

Deno.test("a trial that fails at once closes it too: the store answers", async () => {
  const { breaker, release } = await opened();
  await sleep(25);
  assertEquals(await whyNot(breaker.call(() => Promise.reject(new Error()), 100)), "failed");
  assert(!breaker.refuses);
  release();
});

Deno.test("trials that hang become rarer, so that what is unanswered stays little", async () => {
  const { breaker, release } = await opened();
  const { begin, begun, release: releaseTrials } = hangingCalls();
  const end = performance.now() + 300;
  while (performance.now() < end || begun() === 0) {
    await breaker.call(begin, 1).catch(() => {});
    await sleep(1);
  }
  // 300 ms in steps of 40 ms, after a first one of 20.
  assert(begun() >= 1 && begun() <= 9, `${begun()} trials`);
  assertEquals(breaker.unanswered, 2 + begun());
  release();
  releaseTrials();
  await sleep(0);
  assertEquals(breaker.unanswered, 0);
});

Deno.test("an answer that comes late lets the next call try at once", async () => {
  const { breaker, release } = await opened(60_000);
  assert(breaker.refuses);
  release();
  await sleep(0);
  assert(!breaker.refuses);
  assertEquals(await breaker.call(() => Promise.resolve(3), 100), 3);
});

Deno.test("failing tells of the last call that was made: a refused one changes nothing", async () => {
  const breaker = new Breaker({ maxUnanswered: 1, firstTrialMs: 60_000 });
  assert(!breaker.failing);
  assertEquals(await whyNot(breaker.call(() => Promise.reject(new Error()), 100)), "failed");
  assert(breaker.failing);
  await breaker.call(() => Promise.resolve(), 100);
  assert(!breaker.failing);
  const { begin, release } = hangingCalls();
  assertEquals(await whyNot(breaker.call(begin, 5)), "late");
  assertEquals(await whyNot(breaker.call(() => Promise.resolve(), 5)), "refused");
  assert(breaker.failing);
  release();
});

Deno.test("a call that began before another failed, or that proves nothing, does not show that the store is well", async () => {
  const breaker = new Breaker();
  const { begin, release } = hangingCalls();
  const early = breaker.call(begin, 60_000);
  await whyNot(breaker.call(() => Promise.reject(new Error("no writes")), 60_000));
  release();
  await early;
  assert(breaker.failing);
  await breaker.call(() => Promise.resolve({ ok: false }), 60_000, ({ ok }) => ok);
  assert(breaker.failing);
  await breaker.call(() => Promise.resolve({ ok: true }), 60_000, ({ ok }) => ok);
  assert(!breaker.failing);
});
