/** The address of ClickHouse's HTTP interface. Each field becomes the option of the same name in the configuration. */
type Address = { host: string; port: number; ssl: boolean };

/**
 * What an answer says about the address of ClickHouse. An answer contains `ssl` only if it has a scheme, and `port` only if it
 * has a port.
 */
type ParsedAddress =
  | ({ kind: 'valid'; host: string } & Partial<Pick<Address, 'port' | 'ssl'>>)
  | { kind: 'invalid'; problem: string };

const MAX_PORT = 65_535;

/** The paths of ClickHouse's own pages. A URL that was copied from a browser may have one of them. */
const PAGES = ['/', '/play', '/dashboard'];

const URL_WITH_SCHEME = /^([a-z][a-z0-9+.-]*):(?:[a-z]+:)?\/\//i;
const HOST_AND_PORT = /^(\[[0-9a-f:]+\]|[^\s/:@]+):(\d+)$/i;
const HOST = /^[^\s/:@?#]+$|^\[?[0-9a-f:]+\]?$/i;

/** Parses a host, a host and a port, or a URL such as https://abc.clickhouse.cloud:8443/. */
export function parseAddress(answer: string): ParsedAddress {
  const [, scheme] = URL_WITH_SCHEME.exec(answer) ?? [];
  if (scheme !== undefined) return parseUrl(answer, scheme.toLowerCase());
  const [, host, port] = HOST_AND_PORT.exec(answer) ?? [];
  if (host !== undefined && port !== undefined) {
    const problem = findPortProblem(port);
    return problem === undefined ? { kind: 'valid', host, port: Number(port) } : { kind: 'invalid', problem };
  }
  if (HOST.test(answer)) return { kind: 'valid', host: answer };
  return { kind: 'invalid', problem: 'Enter a host name, an IP address, or a URL such as https://host:8443.' };
}

function parseUrl(answer: string, scheme: string): ParsedAddress {
  const invalid = (problem: string): ParsedAddress => ({ kind: 'invalid', problem });
  if (scheme !== 'http' && scheme !== 'https') {
    return invalid('Enter an https:// or http:// URL. The native port (9000, 9440) does not work.');
  }
  if (!URL.canParse(answer)) return invalid('This is not a valid URL. Enter a URL such as https://host:8443.');
  const { hostname, username, password, pathname } = new URL(answer);
  if (username !== '' || password !== '')
    return invalid('Enter the URL without a user and password: the next questions ask for them.');
  if (!PAGES.includes(pathname)) return invalid('Enter the URL without a path, such as https://host:8443.');
  // `new URL` leaves out the default port of the scheme, even if it is written.
  const [, port] = /^[^/]*\/\/[^/?#]*:(\d+)(?:[/?#]|$)/.exec(answer) ?? [];
  return {
    kind: 'valid',
    host: hostname,
    ssl: scheme === 'https',
    ...(port === undefined ? {} : { port: Number(port) }),
  };
}

/** Returns what is wrong with a port; undefined if it is valid. */
export function findPortProblem(port: string): string | undefined {
  return /^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= MAX_PORT
    ? undefined
    : `Enter a whole number from 1 to ${MAX_PORT}.`;
}
