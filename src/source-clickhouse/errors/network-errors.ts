import { codeOf, rawMessageOf } from '../../protocol/errors.ts';
import { ProxyError } from '../../protocol/network/proxy-tunnel.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { adviseSetting, PROGRESS_SETTINGS } from './admin-sql.ts';
import type { Explanation, SourceErrorCode } from './codes.ts';
import { GatewayError, NotClickHouseError, ProxyRefusalError, UnreadableResponseError } from './response-errors.ts';
import { explainTlsError } from './tls-errors.ts';

type NetworkError = {
  /** Node's error codes. HPE_* are the errors of its HTTP parser. */
  codes?: readonly string[];
  /** Matches the message of the error, if its code is not one of `codes`. */
  words?: RegExp;
  /** Set if the entry only applies with TLS (true) or without TLS (false). */
  ssl?: boolean;
  code: SourceErrorCode;
  explain: (configuration: SourceConfiguration, at: string) => string;
};

/** Node's error codes for a connection that was established and then cut. */
export const CUT_CODES = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'];

/** What errors of DNS, TCP and HTTP mean. The first entry that matches is used. */
export const NETWORK_ERRORS: readonly NetworkError[] = [
  {
    // Node refuses to send a header that contains a control character. It must be a header with the username or the password,
    // because no other header contains values from the configuration.
    codes: ['ERR_INVALID_CHAR'],
    code: 'clickhouse_login_refused',
    explain: () =>
      "The username or the password contains a control character, such as a line break, which HTTP can't send. It may have been copied with the value. Remove it.",
  },
  {
    codes: ['ENOTFOUND'],
    code: 'clickhouse_address_wrong',
    explain: ({ host }) =>
      `The host name "${host}" does not resolve. Check its spelling. It must not contain https:// or a port.`,
  },
  {
    codes: ['EAI_AGAIN'],
    code: 'clickhouse_unreachable',
    explain: ({ host }) =>
      `The host name "${host}" could not be resolved: the DNS server does not answer. If this continues, check the network.`,
  },
  {
    codes: ['ECONNREFUSED'],
    code: 'clickhouse_unreachable',
    explain: (_, at) =>
      `Nothing listens at ${at} (connection refused). The port may be wrong (HTTP is 8123, HTTPS 8443) or the server is down. Check both, and that this machine is allowed to connect.`,
  },
  {
    words: /^Timeout error\.$/,
    code: 'clickhouse_unreachable',
    explain: ({ username }, at) =>
      `${at} accepted the query but sent nothing for several minutes. A firewall may have dropped the connection, the server may be stuck, or it may still be sorting. If sorting takes too long, make the cursor the first column of the table's sorting key, or let the server report progress. ${adviseSetting(username, PROGRESS_SETTINGS)}`,
  },
  {
    codes: ['EHOSTUNREACH', 'ENETUNREACH'],
    code: 'clickhouse_unreachable',
    explain: (_, at) =>
      `There is no route from this machine to ${at}. The address may be wrong, this machine may be on another network (for example without the VPN), or a firewall may reject the connection. Check host and the network.`,
  },
  {
    codes: ['ETIMEDOUT'],
    words: /timeout/i,
    code: 'clickhouse_unreachable',
    explain: (_, at) =>
      `${at} did not answer in time. A firewall or an IP allow-list may drop the connection, or the server is waking up. If this continues, check the network.`,
  },
  {
    codes: ['HPE_*', 'ECONNRESET'],
    ssl: false,
    code: 'clickhouse_port_wrong',
    explain: (_, at) =>
      `${at} closed the connection, or its response isn't HTTP. This may be an HTTPS port (usually 8443), or the server or a proxy restarted. For an HTTPS port, turn ssl on.`,
  },
  {
    codes: CUT_CODES,
    code: 'clickhouse_cut_off',
    explain: ({ ssl, tls }, at) => {
      const mayAskForCertificate = ssl && tls?.client_certificate === undefined;
      return `The connection to ${at} was cut. The server restarted, or a proxy or tunnel closed it. If this continues, look for the reason in their logs.${mayAskForCertificate ? ' If no connection works, the server may require a client certificate (tls.client_certificate).' : ''}`;
    },
  },
];

/** Explains errors of DNS, TCP and TLS, and responses that are not from ClickHouse. */
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
  // The error's own message is not shown, because it may quote the response.
  return {
    code: 'clickhouse_port_wrong',
    message: `${at} answered, but the response isn't from ClickHouse${code === '' ? '' : ` (${code})`}. Check that host and port are those of ClickHouse's HTTP interface.`,
  };
}

/** Explains a response that is not from ClickHouse. */
function explainResponse(error: unknown, configuration: SourceConfiguration, at: string): Explanation | undefined {
  if (error instanceof ProxyError) return { code: 'clickhouse_unreachable', message: error.message };
  if (error instanceof GatewayError) {
    return {
      code: 'clickhouse_unreachable',
      message: `A proxy at ${at} answered, because it can't reach ClickHouse (HTTP ${error.status}). The server is waking up, restarting or overloaded. If this continues, check that host and port are those of ClickHouse's HTTP interface.`,
    };
  }
  if (error instanceof ProxyRefusalError) return explainProxyRefusal(error, configuration);
  if (error instanceof NotClickHouseError) return explainForeignResponse(error, at);
  if (error instanceof UnreadableResponseError) {
    return {
      code: 'clickhouse_cut_off',
      message: `The response of ${at} contains ${error.bytes} bytes that are neither a row nor an error of ClickHouse. A proxy may have cut or changed the response. If this continues, please report it.`,
    };
  }
  return undefined;
}

/** Explains a response of another service or, if ClickHouse has answered before, of something in between, such as a proxy. */
function explainForeignResponse({ status, answeredBefore }: NotClickHouseError, at: string): Explanation {
  if (answeredBefore) {
    return {
      code: 'clickhouse_cut_off',
      message: `${at} sent a response that is not from ClickHouse (HTTP ${status}), after ClickHouse had answered other queries. A proxy may have answered instead, or cut the response. If this continues, ask the proxy's administrator.`,
    };
  }
  return {
    code: 'clickhouse_not_spoken',
    message: `${at} answered, but the response isn't from ClickHouse (HTTP ${status}). Host and port are probably those of another service, or of a proxy that does not forward queries. Check both: ClickHouse's HTTP interface is usually on port 8123, or on 8443 with ssl.`,
  };
}

function explainProxyRefusal(
  { status }: ProxyRefusalError,
  { host, port, username }: SourceConfiguration,
): Explanation {
  const seen = `A proxy at ${host}:${port} answered instead of ClickHouse (HTTP ${status}).`;
  if (status === 429) {
    return {
      code: 'clickhouse_busy',
      message: `${seen} A limit of the proxy for the user "${username}" was reached. If this continues, raise the limit.`,
    };
  }
  return {
    code: 'clickhouse_login_refused',
    message: `${seen} The proxy refused the user "${username}": the password is wrong, the proxy does not know the user, or it does not accept this machine's address. Check username, password and the proxy's access list.`,
  };
}
