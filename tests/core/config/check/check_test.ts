import { assertEquals, assertThrows } from "@std/assert";
import { checkConfig, ConfigError } from "../../../../core/config/check/check.ts";

const DAY = 86_400;
const PRODUCTION = { development: false };

/** A configuration in which nothing is wrong and everything that may be left out is left out. */
function good() {
  return {
    issuer: "telemetry.example",
    applications: {
      demo: {
        session: {
          issuer: "https://login.example",
          key: { kind: "hs256", secretEnv: "SESSION_SECRET" } as Record<string, unknown>,
        } as Record<string, unknown>,
        events: {
          saved: {
            description: "d",
            purpose: "p",
            owner: "o",
            expires: "2027-06-30",
            fields: { ok: { type: "boolean" } },
          },
        },
      } as Record<string, unknown>,
    } as Record<string, unknown>,
  } as Record<string, unknown>;
}

type Members = Record<string, unknown>;

/** The good configuration with `members` laid over the application. */
function withApplication(members: Members): unknown {
  const config = good();
  Object.assign((config.applications as Record<string, Members>).demo!, members);
  return config;
}

function mistakesOf(config: unknown, options = PRODUCTION): readonly string[] {
  return (assertThrows(() => checkConfig(config, options), ConfigError) as ConfigError).mistakes;
}

Deno.test("checkConfig() fills in every default", () => {
  const { issuer, applications } = checkConfig(good(), PRODUCTION);
  const config = good().applications as Record<string, Members>;
  assertEquals(issuer, "telemetry.example");
  assertEquals([...applications], [["demo", {
    id: "demo",
    suite: "ristretto255-SHA512",
    epochSeconds: DAY,
    overlapEpochs: 1,
    horizonEpochs: 3,
    usesPerToken: 64,
    tokensPerClient: 2,
    maxBatch: 32,
    session: config.demo!.session,
    pseudonymSeconds: 7 * DAY,
    granularitySeconds: 3_600,
    retentionDays: 30,
    expectedClients: 10_000,
    minCrowd: 20,
    serviceTokenSha256: undefined,
    risk: {},
    releases: undefined,
    events: config.demo!.events,
  }]]);
});

Deno.test("checkConfig() keeps what is written, false and undefined as well", () => {
  const written = {
    suite: "P384-SHA384",
    epochSeconds: 3_600,
    overlapEpochs: 0,
    horizonEpochs: 8,
    usesPerToken: 1_024,
    tokensPerClient: 1,
    maxBatch: 256,
    granularitySeconds: 60,
    retentionDays: 400,
    serviceTokenSha256: "ab".repeat(32),
  };
  const application = checkConfig(withApplication({ ...written, pseudonymSeconds: false }), PRODUCTION)
    .applications.get("demo") as unknown as Members;
  for (const [name, value] of Object.entries(written)) assertEquals(application[name], value, name);
  assertEquals(application.pseudonymSeconds, undefined);
  const undefinedOnes = Object.fromEntries(Object.keys(written).map((name) => [name, undefined]));
  const defaults = checkConfig(
    withApplication({ ...undefinedOnes, pseudonymSeconds: undefined }),
    PRODUCTION,
  );
  assertEquals(defaults, checkConfig(good(), PRODUCTION));
});

Deno.test("checkConfig() names each whole number's range", () => {
  const ranges: [string, number, number][] = [
    ["epochSeconds", 3_600, 30 * DAY],
    ["overlapEpochs", 0, 8],
    ["horizonEpochs", 1, 8],
    ["usesPerToken", 1, 1_024],
    ["tokensPerClient", 1, 1_024],
    ["maxBatch", 1, 256],
    ["retentionDays", 1, 400],
  ];
  for (const [name, min, max] of ranges) {
    // So long an epoch fits no pseudonym of the default length.
    const pseudonymSeconds = name === "epochSeconds" ? 30 * DAY : 7 * DAY;
    for (const value of [min, max]) {
      checkConfig(withApplication({ [name]: value, pseudonymSeconds }), PRODUCTION);
    }
    for (const value of [min - 1, max + 1, min + 0.5, `${min}`, null, NaN, Infinity, true]) {
      assertEquals(mistakesOf(withApplication({ [name]: value })), [
        `applications.demo.${name}: write a whole number from ${min} to ${max}.`,
      ]);
    }
  }
});

Deno.test("checkConfig() allows an epoch of 10 seconds in development only", () => {
  const config = withApplication({ epochSeconds: 10 });
  const development = { development: true };
  assertEquals(checkConfig(config, development).applications.get("demo")?.epochSeconds, 10);
  assertEquals(mistakesOf(config), [
    "applications.demo.epochSeconds: write a whole number from 3600 to 2592000.",
  ]);
  assertEquals(mistakesOf(withApplication({ epochSeconds: 9 }), development), [
    "applications.demo.epochSeconds: write a whole number from 10 to 2592000.",
  ]);
});

Deno.test("checkConfig() has one message for each mistake of a setting", () => {
  const rotation = "write false or a multiple of 86400 (whole days), 400 days at most.";
  const granularities = "choose 60, 300, 900, 3600, 21600 or 86400";
  const mistakes: [Members, string][] = [
    [{ suite: "P256-SHA256" }, "suite: choose ristretto255-SHA512 or P384-SHA384."],
    ...[[61, 300], [59, 60], [0, 60], [1, 60], [7_200, 21_600], [43_200, 86_400]].map((
      [granularitySeconds, next],
    ): [Members, string] => [
      { granularitySeconds },
      `granularitySeconds: ${granularities}; the next coarser than ${granularitySeconds} is ${next}.`,
    ]),
    [{ granularitySeconds: 86_401 }, `granularitySeconds: ${granularities}; none is coarser.`],
    ...["60", null, NaN].map((granularitySeconds): [Members, string] => [
      { granularitySeconds },
      `granularitySeconds: ${granularities}.`,
    ]),
    [{ serviceTokenSha256: 7 }, "serviceTokenSha256: give a SHA-256 in hex."],
    ...["", "AB".repeat(32), "secret token", "a".repeat(63)].map((serviceTokenSha256): [Members, string] => [
      { serviceTokenSha256 },
      "serviceTokenSha256: give the SHA-256 of the token as 64 lower-case hex digits, never the token itself.",
    ]),
    ...[true, null, 0, -DAY, 7, DAY + 1, 401 * DAY, "604800", NaN].map((
      pseudonymSeconds,
    ): [Members, string] => [
      { pseudonymSeconds },
      `pseudonymSeconds: ${rotation}`,
    ]),
    [{ session: undefined }, "session: describe how a client's session is verified."],
    [{ session: "x" }, "session: describe how a client's session is verified."],
    [{ events: undefined }, "events: list the events by name."],
    [{ events: [] }, "events: list the events by name."],
    [{ events: null }, "events: list the events by name."],
  ];
  for (const [members, message] of mistakes) {
    assertEquals(mistakesOf(withApplication(members)), [`applications.demo.${message}`]);
  }
});

Deno.test("checkConfig() wants a pseudonym to last for whole epochs, since a token serves one", () => {
  const mistakes: [Members, number][] = [
    [{ epochSeconds: 5 * 3_600, pseudonymSeconds: DAY }, 5 * 3_600],
    [{ epochSeconds: 30 * DAY }, 30 * DAY],
    [{ epochSeconds: 2 * DAY, pseudonymSeconds: 7 * DAY }, 2 * DAY],
    [{ epochSeconds: 2 * DAY, pseudonymSeconds: DAY }, 2 * DAY],
  ];
  for (const [members, epoch] of mistakes) {
    assertEquals(mistakesOf(withApplication(members)), [
      `applications.demo.pseudonymSeconds: write a multiple of epochSeconds, which is ${epoch}, or false.`,
    ]);
  }
  for (
    const members of [
      { epochSeconds: 5 * 3_600, pseudonymSeconds: false },
      { epochSeconds: 7 * DAY },
      { epochSeconds: 3 * 3_600, pseudonymSeconds: DAY },
      { epochSeconds: 30 * DAY, pseudonymSeconds: 30 * DAY },
    ]
  ) {
    checkConfig(withApplication(members), PRODUCTION);
  }
});

Deno.test("checkConfig() has one message for each mistake of a session", () => {
  const hs256 = { kind: "hs256", secretEnv: "S" };
  const pem = "-----BEGIN PUBLIC KEY-----\n...";
  const algorithms = "RS256, PS256, ES256, ES384, EdDSA";
  const kinds = 'choose kind "hs256", "public-key" or "jwks".';
  const mistakes: [Members, string][] = [
    [{ issuer: "", key: hs256 }, "issuer: write the iss that a session's JWT carries."],
    [{ key: hs256 }, "issuer: write the iss that a session's JWT carries."],
    [{ issuer: "i", key: hs256, audience: 1 }, "audience: write the aud that a session's JWT contains."],
    [{ issuer: "i", key: hs256, audience: "" }, "audience: write the aud that a session's JWT contains."],
    [
      { issuer: "i", key: hs256, maxAgeSeconds: 0 },
      "maxAgeSeconds: write a whole number from 1 to 34560000.",
    ],
    [{ issuer: "i", key: hs256, leeway: 3 }, 'remove "leeway", which no setting is called.'],
    [{ issuer: "i" }, `key: ${kinds}`],
    [{ issuer: "i", key: "secret" }, `key: ${kinds}`],
    [{ issuer: "i", key: {} }, `key.kind: ${kinds}`],
    [{ issuer: "i", key: { kind: "none" } }, `key.kind: ${kinds}`],
    [{ issuer: "i", key: { kind: "hs256" } }, "key.secretEnv: name an environment variable."],
    [
      { issuer: "i", key: { kind: "hs256", secretEnv: "the secret" } },
      "key.secretEnv: name an environment variable in capitals.",
    ],
    [{ issuer: "i", key: { ...hs256, secret: "x" } }, 'key: remove "secret", which no setting is called.'],
    [
      { issuer: "i", key: { kind: "public-key", algorithm: "HS256", pem } },
      `key.algorithm: name one of ${algorithms}.`,
    ],
    [{ issuer: "i", key: { kind: "public-key", algorithm: "ES256" } }, "key.pem: give a public key."],
    [
      { issuer: "i", key: { kind: "public-key", algorithm: "ES256", pem: "-----BEGIN PRIVATE KEY-----" } },
      "key.pem: give a public key in PEM (SPKI).",
    ],
    ...[undefined, "ftp://keys.example/", "http://keys.example/", "keys.example", 1].map((
      url,
    ): [Members, string] => [
      { issuer: "i", key: { kind: "jwks", url, algorithms: ["ES256"] } },
      "key.url: give the https URL of a JWKS.",
    ]),
    ...[undefined, [], "ES256"].map((algorithms): [Members, string] => [
      { issuer: "i", key: { kind: "jwks", url: "https://keys.example/", algorithms } },
      "key.algorithms: allow at least one algorithm.",
    ]),
    [
      { issuer: "i", key: { kind: "jwks", url: "https://keys.example/", algorithms: ["ES256", "none"] } },
      `key.algorithms.1: name one of ${algorithms}.`,
    ],
  ];
  for (const [session, message] of mistakes) {
    const path = message.startsWith("remove") ? "applications.demo.session: " : "applications.demo.session.";
    assertEquals(mistakesOf(withApplication({ session })), [path + message]);
  }
  for (
    const key of [
      { kind: "public-key", algorithm: "EdDSA", pem },
      { kind: "jwks", url: "https://keys.example/", algorithms: ["RS256", "ES384"] },
    ]
  ) {
    checkConfig(
      withApplication({ session: { issuer: "i", audience: "a", maxAgeSeconds: 60, key } }),
      PRODUCTION,
    );
  }
});

Deno.test("checkConfig() takes a bare host name as issuer", () => {
  for (const issuer of ["telemetry.example", "localhost", "a-1.b.example:8443", "xn--bcher-kva.example"]) {
    checkConfig({ ...good(), issuer }, PRODUCTION);
  }
  const faulty = [
    "",
    "https://telemetry.example",
    "Telemetry.example",
    "a..b",
    "-a.example",
    "a.example/",
    "a b",
  ];
  for (const issuer of [...faulty, "a.example.", `${"a.".repeat(127)}b`, "bücher.example"]) {
    assertEquals(mistakesOf({ ...good(), issuer }), [
      "issuer: write the deployment's host name in lower case, without https://.",
    ], issuer);
  }
  assertEquals(mistakesOf({ ...good(), issuer: undefined }), ["issuer: write the deployment's host name."]);
});

Deno.test("checkConfig() takes 1 application or more, each with an id of the protocol", () => {
  const { demo } = good().applications as Members;
  checkConfig({ ...good(), applications: { a: demo, [`a${"-9".repeat(31)}`]: demo } }, PRODUCTION);
  for (const id of ["Demo", "9a", "-a", "a_b", "a b", "", "a".repeat(64), "démo"]) {
    assertEquals(mistakesOf({ ...good(), applications: { demo, [id]: demo } }), [
      `applications.${id}: name it with a-z, 0-9 and "-", a letter first, at most 63 characters.`,
    ]);
  }
  assertEquals(mistakesOf({ ...good(), applications: {} }), ["applications: list at least one application."]);
  for (const applications of [undefined, null, "demo", 1, [demo]]) {
    assertEquals(mistakesOf({ ...good(), applications }), ["applications: list the applications."]);
  }
  for (const definition of [null, "x", []]) {
    assertEquals(mistakesOf({ ...good(), applications: { demo, other: definition } }), [
      "applications.other: describe the application.",
    ]);
  }
  // An own member of this name is no application, and no way to the prototype.
  const inherited = JSON.parse('{"__proto__": {"session": {}}}');
  assertEquals(
    mistakesOf({ ...good(), applications: inherited }).includes(
      'applications.__proto__: name it with a-z, 0-9 and "-", a letter first, at most 63 characters.',
    ),
    true,
  );
});

Deno.test("checkConfig() names what is no setting, and what is no configuration", () => {
  assertEquals(mistakesOf({ ...good(), isuer: "x", port: 1 }), [
    'dit.config.ts: remove "isuer", "port", which no setting is called.',
  ]);
  assertEquals(mistakesOf(withApplication({ epochSecond: 1 })), [
    'applications.demo: remove "epochSecond", which no setting is called.',
  ]);
  for (const config of [undefined, null, "x", 1, [], () => good()]) {
    assertEquals(mistakesOf(config), [
      "dit.config.ts: export a configuration made with defineConfig as default.",
    ]);
  }
});

Deno.test("checkConfig() reports all mistakes at once, one a line", () => {
  const config = {
    ...(withApplication({
      maxBatch: 0,
      retentionDays: 0,
      session: { issuer: "" },
      events: { Bad: null },
    }) as Members),
    issuer: "HTTPS://X",
    port: 8000,
  };
  const error = assertThrows(() => checkConfig(config, PRODUCTION), ConfigError) as ConfigError;
  const expected = [
    "applications.demo.events.Bad: describe the event.",
    'applications.demo.events.Bad: name it with a-z, 0-9 and "_", a letter first, at most 63 characters.',
    "applications.demo.maxBatch: write a whole number from 1 to 256.",
    "applications.demo.retentionDays: write a whole number from 1 to 400.",
    "applications.demo.session.issuer: write the iss that a session's JWT carries.",
    'applications.demo.session.key: choose kind "hs256", "public-key" or "jwks".',
    'dit.config.ts: remove "port", which no setting is called.',
    "issuer: write the deployment's host name in lower case, without https://.",
  ];
  assertEquals([...error.mistakes].sort(), expected);
  assertEquals(error.message.split("\n").sort(), expected);
  assertEquals(error.name, "ConfigError");
});

Deno.test("checkConfig() refuses more combinations of fields than risk can be measured of", () => {
  const fields = Object.fromEntries(
    Array.from({ length: 32 }, (_, index) => [`f${index}`, { type: "integer", min: 0, max: 99 }]),
  );
  const configOf = (events: number, pseudonymSeconds: unknown) => {
    const config = good();
    const demo = (config.applications as Record<string, Record<string, unknown>>).demo!;
    const saved = { description: "d", purpose: "p", owner: "o", expires: "2027-06-30", fields };
    demo.events = Object.fromEntries(Array.from({ length: events }, (_, index) => [`e${index}`, saved]));
    return { ...config, applications: { demo: { ...demo, pseudonymSeconds } } };
  };
  checkConfig(configOf(15, DAY), PRODUCTION);
  const error = assertThrows(() => checkConfig(configOf(30, DAY), PRODUCTION), ConfigError);
  assertEquals(error.mistakes, [
    "applications: remove fields of the events with many: their combinations are more than 256 MiB of risk " +
    "sketches can measure.",
  ]);
  // Nothing is measured of people who have no pseudonym.
  checkConfig(configOf(30, false), PRODUCTION);
});

Deno.test("checkConfig() makes tokens of one use, no pseudonym and large batches of `unlinkable`", () => {
  const limitsOf = (changes: Members) => {
    const { usesPerToken, pseudonymSeconds, maxBatch, tokensPerClient } = checkConfig(
      withApplication({ unlinkable: true, ...changes }),
      PRODUCTION,
    ).applications.get("demo")!;
    return { usesPerToken, pseudonymSeconds, maxBatch, tokensPerClient };
  };
  const one = { usesPerToken: 1, pseudonymSeconds: undefined };
  assertEquals(limitsOf({}), { ...one, maxBatch: 128, tokensPerClient: 256 });
  assertEquals(limitsOf({ usesPerToken: 1, pseudonymSeconds: false, maxBatch: undefined }), limitsOf({}));
  assertEquals(limitsOf({ maxBatch: 256 }), { ...one, maxBatch: 256, tokensPerClient: 512 });
  // Less than a batch is a batch of its own.
  assertEquals(limitsOf({ tokensPerClient: 20 }), { ...one, maxBatch: 128, tokensPerClient: 20 });
  const { usesPerToken, pseudonymSeconds } = checkConfig(withApplication({ unlinkable: false }), PRODUCTION)
    .applications.get("demo")!;
  assertEquals([usesPerToken, pseudonymSeconds], [64, 7 * DAY]);
});

Deno.test("checkConfig() says of each setting that would undo `unlinkable` what to do", () => {
  const people = "remove it: without a pseudonym nobody can tell people from events";
  const mistakes: [Members, string][] = [
    [{ usesPerToken: 2 }, "usesPerToken: remove it: with unlinkable each token signs one log."],
    [
      { pseudonymSeconds: DAY },
      "pseudonymSeconds: remove it: with unlinkable no pseudonym is collected, or it would link logs.",
    ],
    [{ risk: { action: "warn" } }, `risk: ${people}.`],
    [{ releases: { questions: {} } }, `releases: ${people}.`],
    [
      { tokensPerClient: 200 },
      "tokensPerClient: write a multiple of maxBatch, which is 128: clients ask for whole batches.",
    ],
    [
      { tokensPerClient: 256, maxBatch: 100 },
      "tokensPerClient: write a multiple of maxBatch, which is 100: clients ask for whole batches.",
    ],
  ];
  for (const [members, mistake] of mistakes) {
    assertEquals(mistakesOf(withApplication({ unlinkable: true, ...members })), [
      `applications.demo.${mistake}`,
    ]);
  }
  assertEquals(mistakesOf(withApplication({ unlinkable: "yes" })), [
    "applications.demo.unlinkable: write true or false.",
  ]);
});
