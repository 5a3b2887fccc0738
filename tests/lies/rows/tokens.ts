/** Lies about tokens. */
import { bytes } from "../answers.ts";
import { rows } from "../table.ts";

/** The body with one bit changed. */
function flip(at: number) {
  return bytes((body) =>
    body.map((byte, index) => index === (at < 0 ? body.length + at : at) ? byte ^ 1 : byte)
  );
}

const REFUSED = { refused: ["tokens not_verified"], keepsTokens: false };

export const TOKEN_LIES = rows("tokens", [
  { name: "a wrong challenge in the proof", tell: { tokens: flip(-64) }, client: REFUSED },
  { name: "a wrong response in the proof", tell: { tokens: flip(-1) }, client: REFUSED },
  { name: "a wrong evaluation", tell: { tokens: flip(10) }, client: REFUSED },
]);
