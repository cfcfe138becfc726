import { type Environment, resolveReferences } from '../../protocol/configuration/references.ts';
import type { ConnectorError } from '../../protocol/errors.ts';
import { findProxy, type HttpProxy } from '../../protocol/network/proxy.ts';
import { registerSecrets } from '../../protocol/secrets.ts';
import { syncError } from '../../runner/errors.ts';
import type { AlertLimits, RejectedLimit } from './status.ts';

/** The options of alerts as the user wrote them. */
export type AlertArguments = {
  alertUrl?: string | undefined;
  /** Each as `Name: value`. */
  alertHeaders?: readonly string[] | undefined;
  alertRejected?: string | undefined;
};

/** Where alerts are sent, and with which headers. Both are secret: a webhook's URL is its password. */
export type AlertTarget = { url: URL; headers: Readonly<Record<string, string>>; proxy: HttpProxy | undefined };

export type AlertOptions = { target: AlertTarget; limits: AlertLimits };

/** Matches a number of rows, with at most 15 digits: a JavaScript number represents these exactly. */
const ROWS = /^\d{1,15}$/;

/** Matches a percentage, such as 1% or 0.5%. */
const PERCENT = /^(\d{1,2}(?:\.\d+)?)%$/;

/** Matches a header: a name (a token of RFC 9110, section 5.6.2), a colon and a value. */
const HEADER = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:(.*)$/s;

/** Matches the value of a header (RFC 9110, section 5.5). */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Headers that the HTTP client sets itself. */
const HEADERS_OF_CLIENT: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

/**
 * A path with at least this many characters is also masked where it occurs without its host. The secret path of a webhook is
 * longer than this. A shorter path, such as /alerts, may be an ordinary word in a message.
 */
const MIN_SECRET_PATH_LENGTH = 16;

/**
 * Parses the options of alerts. Returns undefined without --alert-url. From then on, the URL and the values of the headers are
 * masked in all output.
 *
 * @param staleAfterMs the maximum age of the newest row sent, in milliseconds; undefined without --stale-after.
 * @throws ConnectorError (config_error) if an option or the variable of a proxy is invalid, or if an option has no effect without
 * --alert-url. The error contains neither the URL nor the value of a header.
 */
export function parseAlertOptions(
  { alertUrl, alertHeaders = [], alertRejected }: AlertArguments,
  staleAfterMs: number | undefined,
  environment: Environment,
): AlertOptions | undefined {
  const limits: AlertLimits = {
    rejected: alertRejected === undefined ? undefined : parseRejectedLimit(alertRejected),
    staleAfterMs,
  };
  if (alertUrl !== undefined) return { target: parseTarget(alertUrl, alertHeaders, environment), limits };
  const alone = Object.entries({
    '--alert-header': alertHeaders[0],
    '--alert-rejected': alertRejected,
  }).find(([, value]) => value !== undefined);
  if (alone === undefined) return undefined;
  throw argumentError(`${alone[0]} has no effect without --alert-url, the address that alerts are sent to.`);
}

function parseRejectedLimit(text: string): RejectedLimit {
  if (ROWS.test(text)) return { kind: 'rows', rows: Number(text) };
  const [, percent] = PERCENT.exec(text) ?? [];
  if (percent !== undefined) return { kind: 'percent', percent: Number(percent) };
  throw argumentError(
    `--alert-rejected ${text} is neither a number of rows nor a percentage below 100. Write 1% to be alerted when more than 1% of the rows of a run are rejected, or 0 when any row is.`,
  );
}

function parseTarget(alertUrl: string, alertHeaders: readonly string[], environment: Environment): AlertTarget {
  const headers = alertHeaders.map(parseHeader);
  const names = headers.map(({ name }) => name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw argumentError(`--alert-header gives ${twice} twice. Leave one of them out.`);
  const [url = '', ...values] = resolveArguments(
    [['--alert-url', alertUrl], ...headers.map(({ name, value }) => [`--alert-header ${name}`, value] as const)],
    environment,
  );
  const parsed = parseUrl(url);
  const named = headers.map(({ name }, index) => [name, parseHeaderValue(name, values[index] ?? '')] as const);
  registerSecrets([...secretsOfUrl(url, parsed), ...named.flatMap(([, value]) => secretsOfHeader(value))]);
  return { url: parsed, headers: Object.fromEntries(named), proxy: findProxy(parsed, environment) };
}

/** Replaces the references in arguments, and masks the values that replace them from then on. */
function resolveArguments(
  named: readonly (readonly [name: string, text: string])[],
  environment: Environment,
): string[] {
  const { value, fromReferences } = resolveReferences(Object.fromEntries(named), environment, 'the command line');
  registerSecrets(fromReferences);
  return Object.values(Object(value)).map(String);
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw argumentError(
      '--alert-url must be an address that begins with https:// or http://, such as https://hooks.slack.com/services/… If it comes from an environment variable, check its value.',
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw argumentError(
      "--alert-url must not contain a user or a password. Send them in a header: --alert-header 'Authorization: Basic …', with USER:PASSWORD in Base64.",
    );
  }
  return url;
}

function parseHeader(text: string): { name: string; value: string } {
  const [, name, value] = HEADER.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw argumentError(
      "--alert-header must be a name and a value with a colon between them, such as --alert-header 'Authorization: Bearer ${TOKEN}'.",
    );
  }
  if (HEADERS_OF_CLIENT.has(name.toLowerCase())) {
    throw argumentError(`--alert-header can't set ${name}, because it depends on the connection. Leave it out.`);
  }
  return { name, value };
}

/** Returns the value of a header. It is trimmed, because a variable that was set from a file may end with a line break. */
function parseHeaderValue(name: string, text: string): string {
  const value = text.trim();
  if (HEADER_VALUE.test(value)) return value;
  throw argumentError(
    `--alert-header ${name} has a value with a line break or another character that a header can't contain. If the value comes from an environment variable, check it.`,
  );
}

function secretsOfUrl(text: string, { href, pathname, search }: URL): string[] {
  const path = `${pathname}${search}`;
  return [text, href, ...(path.length >= MIN_SECRET_PATH_LENGTH ? [path] : [])];
}

/**
 * Returns the value of a header, and its credentials. These are also masked by themselves, because a server that refuses a token
 * may repeat it without the word before it, such as Bearer.
 */
function secretsOfHeader(value: string): string[] {
  const [, credentials = value] = /^[A-Za-z]+ +(\S+)$/.exec(value) ?? [];
  return [value, credentials];
}

function argumentError(message: string): ConnectorError {
  return syncError('command_invalid', message);
}
