/**
 * The parts of a client, put together from its options. Each takes what it uses; nothing of it is global.
 *
 * Their folders have an order, in which each imports only those before it: base, storage, http, tokens, queue.
 *
 * @module
 */
import { Clock } from "./base/clock.ts";
import { platformRandom } from "./base/random.ts";
import type { Report } from "./base/types.ts";
import { apart } from "./http/connections.ts";
import { directoryOf } from "./http/key_check.ts";
import { mirrorAt } from "./http/mirror.ts";
import type { Network } from "./http/network.ts";
import { Places } from "./http/places.ts";
import { schemaOf } from "./http/schema_check.ts";
import {
  checkApp,
  checkDeclared,
  checkDelay,
  checkEndpoints,
  checkPin,
  type ClientOptions,
} from "./options.ts";
import { Encoder } from "./queue/encoding.ts";
import { Intake } from "./queue/intake.ts";
import { PageEnd } from "./queue/page_end.ts";
import { Passes } from "./queue/pass.ts";
import { Queue } from "./queue/queue.ts";
import { Sender } from "./queue/sender.ts";
import { storageOf } from "./storage/choice.ts";
import { committing, type Gate } from "./storage/commit.ts";
import { Device } from "./tokens/device.ts";
import { issuanceWhenNeeded } from "./tokens/when_needed.ts";

/** What the parts ask their client. */
export interface Surroundings {
  readonly report: Report;
  /** Whether the user lets the client work. */
  readonly consent: Gate & { readonly signal: AbortSignal };
  /** Whether the client may send. */
  readonly isOpen: () => boolean;
  /** Whether the page is hidden and may end at any moment. */
  readonly isHidden: () => boolean;
}

/** Puts the parts together. */
export function assemble(options: ClientOptions, around: Surroundings) {
  const { app, session, verifyKeys, localDp, logBatches } = options;
  const { report, consent, isOpen, isHidden } = around;
  const places = new Places(checkEndpoints(options), checkApp(app));
  const mirror = options.mirror === undefined ? undefined : mirrorAt(options.mirror);
  const storage = storageOf(options.storage, app);
  const clock = new Clock(options.now ?? Date.now);
  const random = options.random ?? platformRandom;
  const gzip = options.gzip ?? typeof CompressionStream === "function";
  const commit = committing(storage, report, consent);
  const network: Network = {
    fetch: apart(options.fetch),
    report,
    get signal() {
      return consent.signal;
    },
  };
  const delayMilliseconds = checkDelay(options.delaySeconds);
  // Whether the pass that runs is one that the app, or its page's end, asked for.
  const urgency = { isForced: false };
  const served = { network, commit, clock, random, isForced: () => urgency.isForced };
  const directory = directoryOf({
    ...served,
    app,
    places,
    mirror,
    keyPin: checkPin(options.keyPin),
    verifyKeys,
  });
  const device = new Device({ app, clock, random });
  const schema = schemaOf({
    ...served,
    app,
    mirror,
    declared: checkDeclared(options.declared, app),
    pseudonym: (entries, collection) => device.pseudonym(entries, collection),
    url: async () => `${places.logging(await directory.load())}/schema`,
  });
  const encoder = new Encoder({ clock, localDp });
  const issuance = issuanceWhenNeeded({
    ...served,
    app,
    places,
    suite: options.suite,
    random,
    session,
    directory,
    device,
    delayMilliseconds,
  });
  const queue = new Queue({ app, commit, clock, random, gzip, device, encoder });
  const intake = new Intake({ storage, queue, schema, clock, random });
  const sender = new Sender({
    ...served,
    places,
    random,
    device,
    queue,
    directory,
    schema,
    isHidden,
    logBatches,
  });
  const pageEnd = new PageEnd({ ...served, directory, schema, queue, sender });
  const passes = new Passes({
    commit,
    clock,
    device,
    directory,
    schema,
    issuance,
    queue,
    sender,
    urgency,
    pageEnd,
    isOpen,
  });
  return {
    storage,
    clock,
    random,
    commit,
    schema,
    device,
    queue,
    intake,
    pageEnd,
    passes,
    delayMilliseconds,
  };
}

/** The parts that a client holds in its hand. */
export type Parts = ReturnType<typeof assemble>;
