/** Lies that a second place which serves the same directory brings to light, and lies of that place. */
import { document, endless, instead } from "../answers.ts";
import { type Lie, rows } from "../table.ts";

const CONFLICT = { refused: ["directory mirror_conflict"], keepsTokens: false };

const mirrored = (lies: readonly Omit<Lie, "area">[]) =>
  rows("directory", lies.map((lie) => ({ ...lie, mirror: true })));

export const MIRROR_LIES = mirrored([
  {
    name: "keys of its own for a client that has seen none, beside an honest mirror",
    tell: { keys: ({ other }) => other() },
    client: CONFLICT,
  },
  {
    name: "an issuer of its own for one client, beside an honest mirror",
    tell: { keys: document((directory) => ({ ...directory, issuer: "alice.example" })) },
    client: CONFLICT,
  },
  {
    name: "a number of uses of its own for one client, beside an honest mirror",
    tell: { keys: document((directory) => ({ ...directory, "uses-per-token": 63 })) },
    client: CONFLICT,
  },
  {
    name: "a second generation of a key for one client, beside an honest mirror",
    tell: {
      async keys({ honest, other }) {
        const [one, two] = await Promise.all([(await honest()).json(), (await other()).json()]);
        const more = two["token-keys"].map((key: object) => ({ ...key, generation: 1 }));
        return Response.json({ ...one, "token-keys": [...one["token-keys"], ...more] });
      },
    },
    client: { refused: ["directory mirror_lacks_key"], keepsTokens: false },
  },
  {
    name: "a mirror that is not there",
    tell: { mirror: instead(null, { status: 404 }) },
    client: { refused: ["directory mirror_unavailable"], keepsTokens: false },
  },
  {
    name: "a mirror that shows something else",
    tell: { mirror: instead("{}") },
    client: { refused: ["directory mirror_unavailable"], keepsTokens: false },
  },
  {
    name: "a mirror without an end",
    tell: { mirror: endless },
    client: { refused: ["directory mirror_unavailable"], keepsTokens: false },
  },
  {
    name: "a mirror with other keys",
    tell: { mirror: ({ other }) => other() },
    client: CONFLICT,
  },
]);
