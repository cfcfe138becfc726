import { redactForeign } from '../../protocol/secrets.ts';
import { parseOpensslReason } from '../config/openssl-reason.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import type { Explanation } from './explanation.ts';

/** In OpenSSL's message, the alert by which the server ended TLS; or the words of nginx's page in place of one. */
const ALERT = /alert (?!number)[a-z ]+[a-z]|No required SSL certificate was sent|The SSL certificate error/i;

/** OpenSSL's words for bytes that are no TLS. */
const NOT_TLS = /wrong version number|packet length too long/;

/** OpenSSL's words for a version of TLS that is too old for it. */
const OLD_TLS = /unsupported protocol|version too low/;

/**
 * What a failure of TLS means and what to do about it; undefined when it is none.
 *
 * @param code Node's: OpenSSL's results of verification, or its errors behind ERR_SSL_.
 *   https://nodejs.org/api/tls.html#x509-certificate-error-codes
 */
export function explainTlsError(
  code: string,
  message: string,
  { host, port, tls }: SourceConfiguration,
): Explanation | undefined {
  const at = `${host}:${port}`;
  const notAccepted = `The certificate of ${at} is not accepted`;
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return {
        code: 'tls_certificate_refused',
        message: `${notAccepted}: it has expired. Let its administrator renew it; if it is still valid, the clock of this machine is wrong.`,
      };
    case 'CERT_NOT_YET_VALID':
      return {
        code: 'tls_certificate_refused',
        message: `${notAccepted}: it is not valid yet. The clock of this machine or of the issuer is wrong.`,
      };
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
    case 'HOSTNAME_MISMATCH':
      return {
        code: 'tls_certificate_refused',
        message: `${notAccepted}: it is for another name (${redactForeign(message)}). Connect by the name in the certificate, or let the administrator add this one to it.`,
      };
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return {
        code: 'tls_certificate_refused',
        message:
          tls?.ca_certificate === undefined
            ? `${notAccepted} (${code}): it does not come from a known authority. If the authority is your own, give its certificate in tls.ca_certificate; else the server may leave out a certificate between its own and the authority's.`
            : `${notAccepted} (${code}): it does not come from the authority in tls.ca_certificate. Give the certificate of the authority that signed the one of the server, and of those above it.`,
      };
  }
  const [refusal] = ALERT.exec(message) ?? [];
  if (refusal !== undefined) return explainAlert(refusal, at, tls?.client_certificate !== undefined);
  if (message.includes('before secure TLS connection')) {
    return {
      code: 'clickhouse_port_wrong',
      message: `${at} hung up before TLS began. Either it does not speak TLS, but "ssl" is on: turn ssl off, or give the HTTPS port (usually 8443); or the server is waking up or restarting: try again.`,
    };
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) return explainProtocolError(code, message, at);
  if (/CERT|SIGNATURE|ISSUER|_CRL_/.test(code)) {
    return {
      code: 'tls_certificate_refused',
      message: `${notAccepted} (${code}): ${redactForeign(message)}. Let its administrator mend it.`,
    };
  }
  return undefined;
}

/** What OpenSSL found wrong with the way TLS is spoken. */
function explainProtocolError(code: string, message: string, at: string): Explanation {
  const reason = parseOpensslReason(message);
  const words = `${reason} ${code.replace('ERR_SSL_', '').replaceAll('_', ' ').toLowerCase()}`;
  if (NOT_TLS.test(words)) {
    return {
      code: 'tls_not_spoken',
      message: `${at} does not speak TLS, but "ssl" is on. Turn ssl off, or give the HTTPS port (usually 8443).`,
    };
  }
  if (OLD_TLS.test(words)) return explainOldVersion(at);
  return {
    code: 'tls_not_agreed',
    message: `TLS with ${at} failed: ${redactForeign(reason)}. The server, or a proxy before it, speaks TLS in a way that is not safe or not right. Check host and port; let its administrator look into its TLS settings.`,
  };
}

/** What a server said (an alert of TLS, or a page of a proxy) that ends the connection: mostly it is about our certificate. */
function explainAlert(words: string, at: string, hasCertificate: boolean): Explanation {
  if (/version/.test(words)) return explainOldVersion(at);
  if (/internal error/.test(words)) {
    return {
      code: 'clickhouse_cut_off',
      message: `${at} ended TLS by a fault of its own (${redactForeign(words)}). It may be starting or overloaded. Try again; if it stays, its log says why.`,
    };
  }
  // Servers say this of a certificate that they miss or refuse, and before that of ciphers that they don't have.
  if (/handshake failure/.test(words)) {
    return {
      code: 'tls_client_certificate_refused',
      message: hasCertificate
        ? `${at} refused TLS (${redactForeign(words)}). It does not accept the client certificate, or has no cipher or signature in common with this connector. Check tls.client_certificate, and the TLS settings of the server.`
        : `${at} refused TLS (${redactForeign(words)}). It wants a client certificate, or has no cipher or signature in common with this connector. Give tls.client_certificate and tls.client_key if it asks for one; else check the TLS settings of the server.`,
    };
  }
  if (!/certificate|unknown ca|access denied/.test(words)) {
    return {
      code: 'tls_not_agreed',
      message: `${at} ended TLS (${redactForeign(words)}). Check host, port and tls; the log of the server says why it did.`,
    };
  }
  return {
    code: 'tls_client_certificate_refused',
    message: hasCertificate
      ? `${at} refused the client certificate (${redactForeign(words)}). It has expired, or comes from an authority that the server does not know. Check tls.client_certificate, with the certificates between it and its authority.`
      : `${at} wants a client certificate (${redactForeign(words)}). Give tls.client_certificate and tls.client_key.`,
  };
}

function explainOldVersion(at: string): Explanation {
  return {
    code: 'tls_not_agreed',
    message: `${at} speaks no version of TLS that is safe today (1.2 or later is needed). Update the server.`,
  };
}
