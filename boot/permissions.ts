/**
 * The permissions of a process: as flags for one that is started, and as mistakes for this one.
 *
 * @module
 */
import { LaunchError } from "./launch_error.ts";
import type { Needs } from "./needs.ts";

type Kind = keyof Needs;

/** What is missing, in words: `may not ...`. */
const REFUSED: Readonly<Record<Kind, string>> = {
  net: "reach",
  read: "read",
  write: "write",
  env: "read the variable",
  sys: "ask the system for",
};

/**
 * The flags of `deno run` that allow exactly this.
 * @throws {LaunchError} If Deno has no flag for one of them.
 */
export function permissionFlags(needs: Needs): string[] {
  return (Object.keys(REFUSED) as Kind[]).flatMap((kind) => {
    const values = [...new Set(needs[kind])];
    // Deno separates values by commas, and takes none in a path.
    const unsayable = values.find((value) => value.includes(","));
    if (unsayable !== undefined) {
      throw new LaunchError(`Give ${unsayable} a name without a comma: Deno cannot allow one that has it.`);
    }
    return values.length === 0 ? [] : [`--allow-${kind}=${values.join(",")}`];
  });
}

/** This process lacks permissions; `mistakes` has one sentence for each kind of them. */
export class PermissionsError extends Error {
  override readonly name = "PermissionsError";

  /** Lists the mistakes. */
  constructor(readonly mistakes: readonly string[]) {
    super(mistakes.join("\n"));
  }
}

/**
 * Refuses to go on without a permission that will be needed: a host that may not be reached would look like one that is
 * down.
 * @throws {PermissionsError} If one is missing.
 */
export async function requirePermissions(needs: Needs): Promise<void> {
  const mistakes: string[] = [];
  for (const kind of Object.keys(REFUSED) as Kind[]) {
    const missing: string[] = [];
    for (const value of needs[kind]) if (!await isGranted(kind, value)) missing.push(value);
    if (missing.length === 0) continue;
    const flags = permissionFlags({ net: [], read: [], write: [], env: [], sys: [], [kind]: missing });
    mistakes.push(
      `The service may not ${REFUSED[kind]} ${missing.join(", ")}, which its settings need: start it with ` +
        `deno task start, which allows that, or add ${flags.join(" ")}.`,
    );
  }
  if (mistakes.length > 0) throw new PermissionsError(mistakes);
}

async function isGranted(kind: Kind, value: string): Promise<boolean> {
  const { state } = await Deno.permissions.query(descriptorOf(kind, value));
  return state === "granted";
}

function descriptorOf(kind: Kind, value: string): Deno.PermissionDescriptor {
  switch (kind) {
    case "net":
      return { name: "net", host: value };
    case "read":
    case "write":
      return { name: kind, path: value };
    case "env":
      return { name: "env", variable: value };
    case "sys":
      return { name: "sys", kind: value as "statfs" };
  }
}
