import { BlockList, isIP, isIPv6 } from 'node:net';
import type { Environment } from '../configuration/references.ts';
import { protocolError } from '../errors.ts';

/** An HTTP proxy from an environment variable. */
export type HttpProxy = {
  url: URL;
  /** The proxy's address without the credentials, for messages. */
  address: string;
  /** The name of the environment variable. */
  variable: string;
  /** The Proxy-Authorization header, if the proxy's address has credentials. */
  authorization: string | undefined;
};

const PROXY_PROTOCOLS: ReadonlySet<string> = new Set(['http:', 'https:']);
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/** The environment variables that name the proxy, by the protocol of the target. Lower case takes precedence, as in curl. */
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  'http:': ['http_proxy', 'HTTP_PROXY'],
  'https:': ['https_proxy', 'HTTPS_PROXY'],
};

/**
 * Finds the proxy for requests to an address. HTTP_PROXY or HTTPS_PROXY names the proxy, and NO_PROXY excludes addresses. Returns
 * undefined if there is no proxy. Requests to a loopback address never go through a proxy, because the proxy would connect to its
 * own machine.
 *
 * @throws ConnectorError (config_error) if the value of the variable is not the address of an HTTP proxy.
 */
export function findProxy(target: URL, environment: Environment = process.env): HttpProxy | undefined {
  const variable = findVariable(target.protocol, environment);
  if (variable === undefined || isLoopback(target.hostname)) return undefined;
  if (isExcluded(target, environment.no_proxy ?? environment.NO_PROXY ?? '')) return undefined;
  const url = parseProxyUrl(environment[variable] ?? '');
  if (url === undefined) {
    throw protocolError(
      'proxy_invalid',
      `${variable} is not the address of an HTTP proxy. Write it as http://proxy.example.com:3128, or http://USER:PASSWORD@proxy.example.com:3128 with special characters percent-encoded (@ is %40, / is %2F), or unset it.`,
    );
  }
  return { url, address: url.origin, variable, authorization: buildAuthorization(url) };
}

/** Checks whether the environment names a proxy for HTTPS. NO_PROXY may still exclude some hosts. */
export function namesHttpsProxy(environment: Environment = process.env): boolean {
  return findVariable('https:', environment) !== undefined;
}

/** Formats the line that `check` logs about a proxy. */
export function describeProxy(target: URL, { address, variable }: HttpProxy): string {
  return `Requests to ${target.host} go through the proxy ${address} (${variable}).`;
}

/** Reads the credentials of all proxies in the environment, whether or not they are used. */
export function readProxyCredentials(environment: Environment = process.env): {
  passwords: string[];
  usernames: string[];
} {
  const urls = Object.values(VARIABLES)
    .flat()
    .flatMap((name) => parseProxyUrl(environment[name] ?? '') ?? []);
  return {
    passwords: urls.flatMap(({ password }) => [password, decodePercent(password)]),
    usernames: urls.map(({ username }) => decodePercent(username)),
  };
}

/** Formats a host and port as in a URL: an IPv6 address is put in brackets. */
export function formatAddress(host: string, port: number): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** Checks whether a host name, as written in a URL, refers to this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}

function findVariable(protocol: string, environment: Environment): string | undefined {
  return VARIABLES[protocol]?.find((name) => (environment[name] ?? '').trim() !== '');
}

function parseProxyUrl(value: string): URL | undefined {
  const text = value.trim();
  const whole = text.includes('://') ? text : `http://${text}`;
  if (!URL.canParse(whole)) return undefined;
  const url = new URL(whole);
  return PROXY_PROTOCOLS.has(url.protocol) ? url : undefined;
}

function buildAuthorization({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  return `Basic ${Buffer.from(`${decodePercent(username)}:${decodePercent(password)}`).toString('base64')}`;
}

/** Decodes percent-encoding. If the string contains an invalid escape, it is returned unchanged. */
function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Checks whether NO_PROXY excludes a target: by `*`, a name (with its subdomains), an address or a range such as 10.0.0.0/8. */
function isExcluded(target: URL, noProxy: string): boolean {
  const host = stripBrackets(target.hostname);
  const port = target.port || DEFAULT_PORTS[target.protocol];
  return noProxy
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const range = parseRange(entry);
      if (range !== undefined) return isIP(host) !== 0 && range.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
      const [, name = entry, itsPort] = isIP(entry) === 0 ? (/^(.+):(\d+)$/.exec(entry) ?? []) : [];
      if (itsPort !== undefined && itsPort !== port) return false;
      const plain = stripBrackets(name.toLowerCase()).replace(/^\*?\./, '');
      return host === plain || host.endsWith(`.${plain}`);
    });
}

function parseRange(entry: string): BlockList | undefined {
  const [, network = '', length = ''] = /^(.+)\/(\d{1,3})$/.exec(entry) ?? [];
  const version = isIP(network);
  if (version === 0 || Number(length) > (version === 4 ? 32 : 128)) return undefined;
  const range = new BlockList();
  range.addSubnet(network, Number(length), version === 4 ? 'ipv4' : 'ipv6');
  return range;
}

function stripBrackets(host: string): string {
  return host.replace(/^\[(.+)\]$/, '$1');
}
