/**
 * What loading a suite and signing a first batch takes in a fresh process (bench/cold/crypto.ts).
 *
 * @module
 */
import { nobleRistretto255 } from "../../core/voprf/noble.ts";
import { inputsOf } from "../contenders/serve.ts";

/** What a fresh process says of itself, in milliseconds. */
export interface ColdTimes {
  /** Importing the suite's modules. */
  readonly import: number;
  /** Making it ready. */
  readonly start: number;
  /** The first batch. */
  readonly sign: number;
  /** The same batch once more. */
  readonly again: number;
}

/** One kind of process and the times of each. */
export interface ColdKind {
  readonly implementation: "kernel" | "sodium" | "noble";
  /** How the process starts. */
  readonly situation: string;
  readonly times: readonly ColdTimes[];
}

/** How a process may start: with compiled JS in Deno's cache or without, alone or beside the rest of the service. */
const SITUATIONS = [
  { situation: "alone", flags: [], order: "alone" },
  { situation: "alone, no code cache", flags: ["--no-code-cache"], order: "alone" },
  { situation: "beside node:zlib", flags: [], order: "beside" },
];

/** Starts `rounds` fresh processes of each kind, taking turns. */
export async function measureColdCrypto(rounds: number, batch: number): Promise<ColdKind[]> {
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  const keys = nobleRistretto255.generateKeyPair(random);
  const { blindedElements } = nobleRistretto255.blind(inputsOf(batch), random);
  const elements = blindedElements.map((element) => element.toHex()).join(",");
  const kinds = (["kernel", "sodium", "noble"] as const).flatMap((implementation) =>
    SITUATIONS.map((situation) => ({ implementation, ...situation, times: [] as ColdTimes[] }))
  );
  // The first round fills the code cache and does not count.
  for (let round = 0; round <= rounds; round++) {
    for (const { implementation, flags, order, times } of kinds) {
      const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", ...flags, "crypto.ts", implementation, order]
          .concat(keys.secretKey.toHex(), keys.publicKey.toHex(), elements),
        cwd: new URL("./", import.meta.url),
        stdout: "piped",
        stderr: "piped",
      }).output();
      if (!success) throw new Error(new TextDecoder().decode(stderr));
      if (round > 0) times.push(JSON.parse(new TextDecoder().decode(stdout)));
    }
  }
  return kinds;
}
