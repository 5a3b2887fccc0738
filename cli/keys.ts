// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task keys list | rotate --app X | revoke --app X --epoch N --generation G --yes | replace --app X |
 * confirm-time --yes | reseal | publish --app X --out DIR`: the operator's commands on keys (docs/operating.md). Each prints how it is repeated where nobody knows what became of it.
 *
 * @module
 */
import type { ListedKey } from "../core/keys/listed_keys.ts";
import { MAX_GENERATION, type WantedKey } from "../core/keys/replacement.ts";
import { processEnvironment } from "../boot/credentials.ts";
import { DEFAULT_PORT } from "../boot/operators_listener.ts";
import { CommandError } from "./admin_api.ts";
import { runCommand } from "./command.ts";
import { subcommand } from "./subcommand.ts";
import { APP, JSON_OUTPUT, UsageError, YES } from "./options.ts";
import { type Meaning, printJson } from "./output.ts";
import { dropPermissions } from "./drop_permissions.ts";
import { type KeyCommands, withKeyCommands } from "./key_operations.ts";
import { publish } from "./publish.ts";
import { formatTable } from "./table.ts";

/** The key that the options of a command name. */
interface KeyArguments {
  readonly app: string;
  readonly epoch?: string | undefined;
  readonly generation?: string | undefined;
}

function requireNumber(name: string, text: string): number {
  if (/^[0-9]{1,10}$/.test(text)) return Number(text);
  throw new UsageError(`Give ${name} a whole number, as deno task keys list shows it.`);
}

function moment(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z").replace("T", " ");
}

const STATES: Readonly<Record<ListedKey["state"], Meaning | undefined>> = {
  scheduled: undefined,
  issuing: "good",
  redeeming: undefined,
  over: "over",
  revoked: "bad",
};

function print(keys: readonly ListedKey[]): void {
  const heads = ["application", "epoch", "generation", "state", "issues from", "to", "redeems to", "sealed"];
  const rows = keys.map((key) => [
    key.app,
    key.epoch,
    key.generation,
    { text: key.state, means: STATES[key.state] },
    moment(key.notBefore),
    moment(key.issueUntil),
    moment(key.redeemUntil),
    key.sealedByNewest === undefined ? "destroyed" : key.sealedByNewest ? "newest key" : "older key",
  ]);
  console.log(keys.length === 0 ? "There are no keys yet." : formatTable([heads, ...rows]));
}

async function rotate(commands: KeyCommands, given: KeyArguments): Promise<void> {
  const { app } = given;
  const key = givenKey(given) ?? await nextKey(commands, app);
  const again = key &&
    `deno task keys rotate --app ${app} --epoch ${key.epoch} --generation ${key.generation}`;
  const { made } = await commands.rotate(app, key).catch((error) => {
    throw toTryAgain(error, again);
  });
  console.log(
    `Generation ${made.generation} of epoch ${made.epoch} of ${app} issues now; the key before it goes on redeeming.`,
  );
}

/** The key that the arguments name; undefined where they name none. */
function givenKey({ epoch, generation }: KeyArguments): WantedKey | undefined {
  if (epoch === undefined && generation === undefined) return undefined;
  return {
    epoch: requireNumber("--epoch", epoch ?? ""),
    generation: requireNumber("--generation", generation ?? ""),
  };
}

/** The key that a rotation makes now; undefined where no key issues. */
async function nextKey(commands: KeyCommands, app: string): Promise<WantedKey | undefined> {
  const { keys } = await commands.list();
  const issuing = keys.find((key) => key.app === app && key.state === "issuing");
  return issuing && { epoch: issuing.epoch, generation: issuing.generation + 1 };
}

/** The error of a command; where it may have been done, with the command that does it once. */
function toTryAgain(error: unknown, again: string | undefined): unknown {
  if (!(error instanceof CommandError) || error.outcome === "not done" || again === undefined) return error;
  return new CommandError(`${error.message}\nTo try again, whatever became of it: ${again}`, error.outcome);
}

async function revoke(
  commands: KeyCommands,
  given: KeyArguments & { readonly epoch: string; readonly yes: boolean },
): Promise<void> {
  const { app } = given;
  const epoch = requireNumber("--epoch", given.epoch);
  const through = given.generation === undefined
    ? await lastGeneration(commands, app, epoch)
    : requireNumber("--generation", given.generation);
  const again = `deno task keys revoke --app ${app} --epoch ${epoch} --generation ${through} --yes`;
  // Without the generation, the same command again would revoke the replacement that the first one made.
  if (!given.yes || given.generation === undefined) {
    throw new CommandError(
      `This ends the keys of epoch ${epoch} of ${app} up to generation ${through} at once, and every token under ` +
        `them, and cannot be undone; to do it: ${again}`,
    );
  }
  const { revoked, replacement } = await commands.revoke(app, epoch, through).catch((error) => {
    throw toTryAgain(error, again);
  });
  console.log(`Revoked: epoch ${epoch} of ${app}, generations 0 to ${revoked.at(-1)?.generation}.`);
  if (replacement === undefined) return console.log("No key takes over: the epoch issues no more.");
  console.log(`Generation ${replacement.generation} has taken over; clients recover by themselves.`);
  if (replacement.generation > MAX_GENERATION) {
    console.log(
      `Clients accept ${MAX_GENERATION} replacements an epoch: they get no tokens until the next one begins.`,
    );
  }
}

async function replace(commands: KeyCommands, given: KeyArguments): Promise<void> {
  const { app } = given;
  const least = given.generation === undefined ? undefined : requireNumber("--generation", given.generation);
  const { replaced } = await commands.replace(app, least);
  for (const { epoch, generation } of replaced) {
    console.log(
      `Generation ${generation} stands in place of the keys of epoch ${epoch} of ${app} that are gone.`,
    );
  }
}

async function confirmTime(yes: boolean): Promise<void> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  if (!yes) {
    throw new CommandError(
      `This machine's clock says ${
        moment(nowSeconds)
      }. If that is right, and the service's clock agrees, everything ` +
        "ends that waits for it: keys are destroyed, what is over is deleted; to do it: deno task keys confirm-time --yes",
    );
  }
  await withKeyCommands(async (commands) => {
    const { confirmed } = await commands.confirmTime(nowSeconds);
    console.log(`It is ${moment(confirmed)}: nothing waits for the clock any more.`);
  });
}

async function lastGeneration(commands: KeyCommands, app: string, epoch: number): Promise<number> {
  const { keys } = await commands.list();
  const alive = keys.filter((key) => key.app === app && key.epoch === epoch && key.state !== "revoked");
  const last = alive.at(-1);
  if (last !== undefined) return last.generation;
  const names = new Set(keys.map((key) => key.app));
  throw new CommandError(
    names.has(app)
      ? `${app} has no key of epoch ${epoch} that is alive: see deno task keys list.`
      : `There is no application ${app}; there are keys of ${[...names].join(", ") || "none"}.`,
  );
}

async function reseal(commands: KeyCommands): Promise<void> {
  const { resealed, unreadable } = await commands.reseal();
  console.log(`Sealed again under the newest sealing key: ${resealed}.`);
  if (unreadable > 0) {
    throw new CommandError(
      `${unreadable} keys do not open: DIT_SEAL_KEYS lacks the key that sealed them; add it as the last one.`,
    );
  }
  console.log("Nothing is sealed under an older one any more: it may leave DIT_SEAL_KEYS.");
}

const OPTIONS = {
  app: { ...APP, required: true },
  epoch: { type: "string", value: "N", help: "The epoch, as list shows it." },
  generation: { type: "string", value: "N", help: "The generation, as list shows it." },
} as const;

await runCommand({
  name: "keys",
  help:
    "Lists, rotates, revokes and reseals signing keys, and publishes what everybody is shown (docs/operating.md).",
  subcommands: {
    list: subcommand({
      help: "Lists the signing keys of all applications.",
      options: { json: JSON_OUTPUT },
      work: ({ json }) =>
        withKeyCommands(async (commands) => {
          const { keys } = await commands.list();
          if (json) printJson(keys);
          else print(keys);
        }),
    }),
    rotate: subcommand({
      help: "Has a new generation issue from now on; the key before it goes on redeeming.",
      options: {
        ...OPTIONS,
        generation: {
          ...OPTIONS.generation,
          help: "The one to make: nothing is done where it is there already.",
        },
      },
      work: (given) => withKeyCommands((commands) => rotate(commands, given)),
    }),
    revoke: subcommand({
      help: "Ends the keys of an epoch at once, and every token under them. It cannot be undone.",
      options: {
        ...OPTIONS,
        epoch: { ...OPTIONS.epoch, required: true },
        generation: { ...OPTIONS.generation, help: "The last one to end: the newest by default." },
        yes: YES,
      },
      work: (given) => withKeyCommands((commands) => revoke(commands, given)),
    }),
    replace: subcommand({
      help: "Makes a generation in the place of each key that is gone.",
      options: {
        app: OPTIONS.app,
        generation: {
          ...OPTIONS.generation,
          help: "The least one to make: above all that was ever given away.",
        },
      },
      work: (given) => withKeyCommands((commands) => replace(commands, given)),
    }),
    "confirm-time": subcommand({
      help:
        "Says that the clock is right where the service has doubts: what waits for it ends. It cannot be undone.",
      options: { yes: YES },
      work: ({ yes }) => confirmTime(yes),
    }),
    reseal: subcommand({
      help: "Seals every key again under the newest sealing key.",
      options: {},
      work: () => withKeyCommands(reseal),
    }),
    publish: subcommand({
      help:
        "Writes what everybody is shown into a folder for another host to serve: a mirror of the directory.",
      options: {
        app: OPTIONS.app,
        out: { type: "string", value: "DIR", required: true, help: "The folder." },
        from: { type: "string", value: "URL", help: "The service: that of this machine by default." },
        "chain-starts-anew": {
          type: "boolean",
          help: "Takes a chain of keys that does not go on from the one published before.",
        },
      },
      async work({ app, out, "chain-starts-anew": chainStartsAnew, from = ownService() }) {
        dropPermissions("net", "read", "write");
        await publish({ from, app, out, chainStartsAnew });
      },
    }),
  },
});

function ownService(): string {
  return `http://127.0.0.1:${processEnvironment("PORT") ?? DEFAULT_PORT}`;
}
