import { nobleRistretto255 } from "../../core/voprf/noble.ts";
import { median } from "../statistics.ts";
import { inputsOf } from "./serve.ts";

/** Medians over fresh processes, in milliseconds. */
export interface ColdTimes {
  readonly implementation: "sodium" | "noble";
  /** How the process starts. */
  readonly situation: string;
  /** Importing the suite and making it ready. */
  readonly load: number;
  /** The first batch. */
  readonly sign: number;
  /** Load and sign together. */
  readonly both: number;
  /** Of the least disturbed process, load and sign together. */
  readonly least: number;
}

/** How a process may start: with compiled JS in Deno's cache or without, alone or beside the rest of the service. */
const situations = [
  { situation: "alone", flags: [], order: "alone" },
  { situation: "alone, no code cache", flags: ["--no-code-cache"], order: "alone" },
  { situation: "beside node:zlib", flags: [], order: "beside" },
];

/** Starts `rounds` fresh processes of each kind, taking turns, and gives what loading and signing `batch` took. */
export async function measureCold(rounds: number, batch: number): Promise<ColdTimes[]> {
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  const keys = nobleRistretto255.generateKeyPair(random);
  const { blindedElements } = nobleRistretto255.blind(inputsOf(batch), random);
  const hex = [keys.secretKey, keys.publicKey, blindedElements.map((element) => element.toHex()).join(",")]
    .map((part) => typeof part === "string" ? part : part.toHex());
  const kinds = (["sodium", "noble"] as const).flatMap((implementation) =>
    situations.map((situation) => ({
      implementation,
      ...situation,
      times: [] as { load: number; sign: number }[],
    }))
  );
  // The first round fills the code cache and does not count.
  for (let round = 0; round <= rounds; round++) {
    for (const { implementation, flags, order, times } of kinds) {
      const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", ...flags, "cold_crypto.ts", implementation, order, ...hex],
        cwd: new URL("../", import.meta.url),
        stdout: "piped",
        stderr: "piped",
      }).output();
      if (!success) throw new Error(new TextDecoder().decode(stderr));
      if (round > 0) times.push(JSON.parse(new TextDecoder().decode(stdout)));
    }
  }
  return kinds.map(({ implementation, situation, times }) => ({
    implementation,
    situation,
    load: median(times.map(({ load }) => load)),
    sign: median(times.map(({ sign }) => sign)),
    both: median(times.map(({ load, sign }) => load + sign)),
    least: Math.min(...times.map(({ load, sign }) => load + sign)),
  }));
}
