/**
 * Names that mean a person or a device. No schema may have a field of such a name, whatever its type: a field that is
 * called `user_id` will one day hold one.
 *
 * Besides the usual words the list holds the identifying attributes of OpenTelemetry's semantic conventions (`user.*`,
 * `enduser.*`, `session.*`, `client.*`, `host.*`, `device.*`, `network.peer.*`, `url.*`, `user_agent.*` ...), with their
 * dots written as underscores.
 *
 * @module
 */

/** Words that name a person wherever they stand in a field's name. */
const WORDS: ReadonlySet<string> = new Set([
  ...[
    "email",
    "mail",
    "phone",
    "msisdn",
    "username",
    "login",
    "nickname",
    "surname",
    "firstname",
    "lastname",
    "fullname",
  ],
  ...["ssn", "passport", "iban", "birthday", "birthdate", "dob", "uid", "uuid", "guid", "userid", "deviceid"],
  ...["imei", "imsi", "iccid", "meid", "idfa", "idfv", "gaid", "aaid", "androidid", "udid", "ssid", "bssid"],
  ...["ip", "ipv4", "ipv6", "hostname", "fqdn", "cookie", "session", "sessionid", "fingerprint", "useragent"],
  ...["latitude", "longitude", "lat", "lon", "lng", "geohash", "postcode", "zipcode", "zip", "street", "gps"],
  ...["enduser", "traceparent", "traceid", "spanid", "password", "secret", "jwt"],
  ...["locality", "referer", "referrer", "ja3", "ja4", "vin"],
]);

/** Words that name a person or a device where they are the whole name: `user`, but not `user_initiated`. */
const WHOLE_NAMES: ReadonlySet<string> = new Set([
  ...["user", "person", "customer", "subscriber", "visitor", "employee", "patient", "student", "host", "mac"],
]);

/** Words that name a place in a network or a town where a name ends in them: `reply_address`, but not `address_family`. */
const LAST_WORDS: ReadonlySet<string> = new Set(["address", "addr"]);

/** Sequences of words that name a person or a device. */
const PHRASES: readonly string[] = [
  ...["user", "account", "customer", "client", "person", "member", "subscriber", "visitor", "contact"]
    .flatMap(
      (who) => ["id", "name", "hash", "key", "number", "email"].map((what) => `${who}_${what}`),
    ),
  ...[
    "device",
    "host",
    "machine",
    "install",
    "installation",
    "instance",
    "hardware",
    "advertising",
    "trace",
    "span",
    "android",
    "request",
    "correlation",
    "order",
    "profile",
    "player",
    "employee",
    "student",
    "patient",
  ].map(
    (what) => `${what}_id`,
  ),
  ...["push", "device", "auth", "access", "refresh", "session"].map((what) => `${what}_token`),
  ...["device_name", "device_serial", "serial_number", "host_name", "host_ip", "host_mac", "computer_name"],
  ...[
    "mac_address",
    "ip_address",
    "email_address",
    "home_address",
    "street_address",
    "postal_code",
    "zip_code",
  ],
  ...[
    "first_name",
    "last_name",
    "full_name",
    "family_name",
    "given_name",
    "birth_date",
    "date_of_birth",
    "birth_year",
  ],
  ...[
    "client_address",
    "client_port",
    "source_address",
    "source_port",
    "peer_address",
    "peer_port",
    "network_local_address",
  ],
  ...[
    "server_address",
    "service_instance_id",
    "process_pid",
    "process_owner",
    "process_command_line",
    "process_command_args",
    "process_executable_path",
    "working_directory",
    "thread_id",
    "peer_name",
    "pod_name",
    "node_name",
    "container_name",
    "db_user",
  ],
  ...[
    "url_full",
    "url_query",
    "url_path",
    "http_target",
    "http_url",
    "http_client_ip",
    "user_agent",
    "user_roles",
  ],
  ...["container_id", "pod_uid", "cloud_account_id", "faas_invocation_id", "message_id", "conversation_id"],
  ...[
    "credit_card",
    "card_number",
    "national_id",
    "tax_id",
    "license_plate",
    "api_key",
    "phone_number",
    "geo_location",
    "cell_id",
  ],
];

/** By the phrase without its separators, as careless hands write it. */
const JOINED_PHRASES: ReadonlyMap<string, string> = new Map(
  PHRASES.map((phrase) => [phrase.replaceAll("_", ""), phrase]),
);

/**
 * The word or phrase of the list that a field's name contains, if any: also in the plural, with a number, or without
 * separators.
 */
export function deniedName(name: string): string | undefined {
  const written = name.toLowerCase().split(/[._-]+/).filter((word) => word !== "");
  const bare = written.map((word) => word.replace(/(?<=[a-z])[0-9]+$/, ""));
  const singular = bare.map((word) => word.replace(/(?<=ss)es$|(?<=[^s])s$/, ""));
  const variants = [written, bare, singular];
  for (const words of variants) {
    const word = words.find((word) => WORDS.has(word));
    if (word !== undefined) return word;
  }
  for (const words of variants) {
    const separated = `_${words.join("_")}_`;
    const phrase = PHRASES.find((phrase) => separated.includes(`_${phrase}_`)) ??
      words.map((word) => JOINED_PHRASES.get(word)).find((phrase) => phrase !== undefined);
    if (phrase !== undefined) return phrase;
  }
  // A number as a word of its own says no more than one behind a word.
  const nouns = singular.filter((word) => !/^[0-9]+$/.test(word));
  const last = nouns.at(-1) ?? "";
  return LAST_WORDS.has(last) || (nouns.length === 1 && WHOLE_NAMES.has(last)) ? last : undefined;
}
