/**
 * A look at a store's file before anything writes to it: whether it is one of this program, of a format that it knows, and
 * under its sealing keys. Whatever is refused stays as it was, byte for byte.
 *
 * @module
 */
import { deserialize, serialize } from "node:v8";
import { readSealed, requireSealingKeys, type SealedRows } from "../core/keys/resealing.ts";
import { Sealer } from "../core/keys/sealing.ts";
import { readFormat, requireKnownFormat, type StoreFormat } from "../core/operations/store_format.ts";
import { FileRows, troubleOf } from "../core/store/deno_kv/file_rows.ts";
import { StoreOpenError } from "../core/store/open_error.ts";
import { inUse, notAStore, requireStoreFile, StoreInUseError } from "./file_lock.ts";
import { VERSION } from "./version.ts";

/** What a store's file says of itself. */
export interface StoreLook {
  /** Its format; null where it says nothing. */
  readonly format: StoreFormat | null;
  /** By which its sealing keys are known. */
  readonly sealed: SealedRows;
}

/**
 * Looks at the file at `path`; undefined where there is none yet, or an empty one.
 * @throws {StoreOpenError} If it is no store of this program. {@linkcode StoreInUseError} if another program has locked it.
 */
export async function lookAtStore(path: string): Promise<StoreLook | undefined> {
  if (!await requireStoreFile(path)) return undefined;
  const real = await Deno.realPath(path);
  try {
    using rows = new FileRows(real);
    if (!rows.isDenoKv) throw notAStore(path);
    const [format, sealed] = [await readFormat(rows), await readSealed(rows)];
    // The first commit of this program ever leaves the proof.
    if (format === null && sealed.proof === null && !rows.isEmpty) throw notAStore(path);
    return { format, sealed };
  } catch (cause) {
    if (cause instanceof StoreOpenError || cause instanceof Deno.errors.NotCapable) throw cause;
    if (troubleOf(cause) === "locked") throw inUse(path);
    throw new StoreOpenError(
      `The store's file ${path} cannot be read: see that its folder may be written, and that it is a whole file of Deno KV.`,
      { cause, mayPass: troubleOf(cause) === "disk" },
    );
  }
}

/**
 * Refuses a store that this program, or these sealing keys (32 bytes each), may not open.
 * @throws {StoreOpenError} If its format is newer. {@linkcode SealError} if something in it does not open.
 */
export async function requireOwnStore(
  look: StoreLook | undefined,
  sealKeys: readonly Uint8Array<ArrayBuffer>[] | undefined,
): Promise<void> {
  if (look === undefined) return;
  requireKnownFormat(look.format, VERSION);
  if (sealKeys === undefined) return;
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  await requireSealingKeys(look.sealed, await Sealer.of(sealKeys, random));
}

/** What became of a look, for another process. */
type Printed =
  | { readonly kind: "look"; readonly look: StoreLook | undefined }
  | { readonly kind: "refused"; readonly message: string; readonly mayPass: boolean }
  | { readonly kind: "in use"; readonly message: string };

/** Looks as {@linkcode lookAtStore} does, and gives what came of it as a line of text. */
export async function printLook(path: string): Promise<string> {
  let printed: Printed;
  try {
    printed = { kind: "look", look: await lookAtStore(path) };
  } catch (error) {
    const message = error instanceof Error ? error.message : `${error}`;
    const mayPass = error instanceof StoreOpenError && error.mayPass;
    printed = error instanceof StoreInUseError
      ? { kind: "in use", message }
      : { kind: "refused", message, mayPass };
  }
  return serialize(printed).toBase64();
}

/** What {@linkcode lookAtStore} gave or threw, of the line that {@linkcode printLook} made of it. */
export function readLook(line: string): StoreLook | undefined {
  const printed: Printed = deserialize(Uint8Array.fromBase64(line));
  if (printed.kind === "look") return printed.look;
  if (printed.kind === "in use") throw new StoreInUseError(printed.message);
  throw new StoreOpenError(printed.message, { mayPass: printed.mayPass });
}
