// What a client sends over a few connections: `connected.mjs {plan}`. In a browser the page calls `run()` itself.
// deno-lint-ignore-file no-console

/**
 * Logs twice under one pseudonym, once more after all connections were dropped, then under another pseudonym, and then
 * under a third one, signed in as somebody else.
 */
export async function run(DitClient, { places, jwts, now, dropUrls }, options = {}) {
  let [jwt] = jwts;
  const dispatched = watchDispatchers();
  const client = new DitClient({
    ...places,
    app: "notes",
    session: () => Promise.resolve(jwt),
    now: () => now,
    delaySeconds: 2_000_000,
    ...options,
  });
  const send = async () => {
    client.log("app_opened", {});
    await client.flush();
  };
  await send();
  await send();
  for (const url of dropUrls) await (await fetch(url)).text();
  await send();
  await client.resetPseudonym();
  await send();
  [, jwt] = jwts;
  await client.resetPseudonym();
  await send();
  await client.close();
  return dispatched();
}

/** Puts the app's own dispatchers in the place of Node's; how many requests went through them is told on a call. */
function watchDispatchers() {
  let count = 0;
  for (const version of [1, 2]) {
    const name = Symbol.for(`undici.globalDispatcher.${version}`);
    const before = globalThis[name];
    if (before === undefined) continue;
    globalThis[name] = {
      dispatch(options, handler) {
        count++;
        return before.dispatch(options, handler);
      },
    };
  }
  return () => count;
}

const plan = globalThis.process?.argv?.[2];
if (plan !== undefined) {
  const { DitClient } = await import("@dit/client");
  console.log(JSON.stringify(await run(DitClient, JSON.parse(plan))));
}
