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
]);

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
  ].map(
    (what) => `${what}_id`,
  ),
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
    "thread_id",
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
  ...["credit_card", "card_number", "national_id", "tax_id", "phone_number", "geo_location", "cell_id"],
];

/** The word or phrase of the list that a field's name contains, if any. */
export function deniedName(name: string): string | undefined {
  const words = name.toLowerCase().split(/[._-]+/).filter((word) => word !== "");
  const word = words.find((part) => WORDS.has(part));
  if (word !== undefined) return word;
  const joined = `_${words.join("_")}_`;
  return PHRASES.find((phrase) => joined.includes(`_${phrase}_`));
}
