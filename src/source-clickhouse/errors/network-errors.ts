import { codeOf, rawMessageOf } from '../../protocol/errors.ts';
import { ProxyError } from '../../protocol/network/proxy-tunnel.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { adviseSetting, PROGRESS_SETTINGS } from './admin-sql.ts';
import type { Explanation, SourceErrorCode } from './codes.ts';
import { GatewayError, NotClickHouseError, ProxyRefusalError, UnreadableResponseError } from './response-errors.ts';
import { explainTlsError } from './tls-errors.ts';

type NetworkError = {
  /** Node's codes. HPE_* are those of its parser of HTTP. */
  codes?: readonly string[];
  /** What an error without such a code says. */
  words?: RegExp;
  /** Whether it is meant only with or only without TLS. */
  ssl?: boolean;
  code: SourceErrorCode;
  explain: (configuration: SourceConfiguration, at: string) => string;
};

/** Codes of a connection that was made and then cut. */
export const CUT_CODES = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'];

/** What errors of DNS, of TCP and of what is no HTTP mean. The first that fits counts. */
export const NETWORK_ERRORS: readonly NetworkError[] = [
  {
    codes: ['ENOTFOUND'],
    code: 'clickhouse_address_wrong',
    explain: ({ host }) =>
      `The host name "${host}" is not known. Check its spelling; it stands alone, without https:// and without a port.`,
  },
  {
    codes: ['EAI_AGAIN'],
    code: 'clickhouse_unreachable',
    explain: ({ host }) =>
      `The host name "${host}" could not be looked up: the name server does not answer. Try again, or check the network.`,
  },
  {
    codes: ['ECONNREFUSED'],
    code: 'clickhouse_unreachable',
    explain: (_, at) =>
      `Nothing listens at ${at} (connection refused). The port may be wrong (HTTP is 8123, HTTPS 8443) or the server is down. Check both, and that HTTP is open to this machine.`,
  },
  {
    words: /^Timeout error\.$/,
    code: 'clickhouse_unreachable',
    explain: ({ username }, at) =>
      `${at} took the query and said nothing for minutes. A firewall may have dropped the connection, or the server hangs, or it sorts for so long before the first row. Try again; for a long sort, have the table sorted by the cursor, or the server say how far it is. ${adviseSetting(username, PROGRESS_SETTINGS)}.`,
  },
  {
    codes: ['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
    words: /timeout/i,
    code: 'clickhouse_unreachable',
    explain: (_, at) =>
      `${at} did not answer in time. A firewall or an IP allow-list may drop the connection, or the server is waking up. Check the network, then try again.`,
  },
  {
    codes: ['HPE_*', 'ECONNRESET'],
    ssl: false,
    code: 'clickhouse_port_wrong',
    explain: (_, at) =>
      `${at} broke off before an answer that is HTTP. If it is an HTTPS port (usually 8443), turn ssl on; else the server or a proxy closed the connection: try again.`,
  },
  {
    codes: CUT_CODES,
    code: 'clickhouse_cut_off',
    explain: ({ ssl, tls }, at) => {
      const mayAskForCertificate = ssl && tls?.client_certificate === undefined;
      return `The connection to ${at} was cut. The server restarted, or a proxy or tunnel closed it. Try again.${mayAskForCertificate ? ' If it never works, the server may want a client certificate (tls.client_certificate).' : ''}`;
    },
  },
];

/** Errors of DNS, TCP, TLS and what is no answer of ClickHouse. */
export function explainNetworkError(error: unknown, configuration: SourceConfiguration): Explanation {
  const { host, port, ssl } = configuration;
  const at = `${host}:${port}`;
  const code = codeOf(error);
  const words = rawMessageOf(error);
  const explanation =
    explainResponse(error, configuration, at) ?? (ssl ? explainTlsError(code, words, configuration) : undefined);
  if (explanation !== undefined) return explanation;
  const family = code.startsWith('HPE_') ? 'HPE_*' : code;
  const known = NETWORK_ERRORS.find(
    (each) => (each.codes?.includes(family) || each.words?.test(words)) && (each.ssl ?? ssl) === ssl,
  );
  if (known !== undefined) return { code: known.code, message: known.explain(configuration, at) };
  // Not with the error's own words: what was to be parsed may be in them.
  return {
    code: 'clickhouse_port_wrong',
    message: `${at} gave no answer that ClickHouse would give${code === '' ? '' : ` (${code})`}. Check that host and port are those of ClickHouse's HTTP interface.`,
  };
}

/** What came in place of an answer of ClickHouse. */
function explainResponse(error: unknown, configuration: SourceConfiguration, at: string): Explanation | undefined {
  if (error instanceof ProxyError) return { code: 'clickhouse_unreachable', message: error.message };
  if (error instanceof GatewayError) {
    return {
      code: 'clickhouse_unreachable',
      message: `A proxy at ${at} answered in place of ClickHouse: it can't reach it (HTTP ${error.status}). The server is waking up, restarting or overloaded. Try again; if it stays, check that host and port are those of ClickHouse's HTTP interface.`,
    };
  }
  if (error instanceof ProxyRefusalError) return explainProxyRefusal(error, configuration);
  if (error instanceof NotClickHouseError) return explainForeignResponse(error, at);
  if (error instanceof UnreadableResponseError) {
    return {
      code: 'clickhouse_cut_off',
      message: `Among the rows of ${at} came ${error.bytes} bytes that are not a row, and not an error of ClickHouse. A proxy may have cut or changed the answer. Try again; if it stays, please report this.`,
    };
  }
  return undefined;
}

/** An answer that is not ClickHouse's: of another service, or, after answers of ClickHouse, of what is between. */
function explainForeignResponse({ status, answeredBefore }: NotClickHouseError, at: string): Explanation {
  if (answeredBefore) {
    return {
      code: 'clickhouse_cut_off',
      message: `${at} answered a query with something that is not ClickHouse's (HTTP ${status}), after other queries that ClickHouse answered. A proxy may have answered in its place, or cut the answer. Try again; if it stays, ask the administrator of the proxy.`,
    };
  }
  return {
    code: 'clickhouse_not_spoken',
    message: `${at} answered, but not like ClickHouse (HTTP ${status}). Host and port are likely those of another service, or of a proxy that does not pass queries on. Check both: ClickHouse's HTTP interface is usually on port 8123, or on 8443 with ssl.`,
  };
}

function explainProxyRefusal(
  { status }: ProxyRefusalError,
  { host, port, username }: SourceConfiguration,
): Explanation {
  const seen = `A proxy at ${host}:${port} answered in place of ClickHouse (HTTP ${status}).`;
  if (status === 429) {
    return {
      code: 'clickhouse_busy',
      message: `${seen} A limit of the proxy for the user "${username}" was reached. Run again later; if it stays, raise the limit.`,
    };
  }
  return {
    code: 'clickhouse_login_refused',
    message: `${seen} The proxy refused the user "${username}": the password is wrong, the proxy does not know the user, or it does not accept this machine's address. Check username, password and the proxy's access list.`,
  };
}
