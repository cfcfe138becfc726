import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { z } from 'zod';
import { codeOf, messageOf, rawMessageOf } from '../../protocol/errors.ts';

/** Matches each certificate in a PEM file. The file may contain other text between the certificates. */
const PEM_CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Matches Node's error codes for PEM that OpenSSL can't read. */
const UNREADABLE = /^ERR_OSSL_(?:PEM|ASN1)_/;

/** Matches the reason in an OpenSSL error: `error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/…`. */
const REASON = /error:[0-9A-F]+:[^:]*:[^:]*:([^:\n]+)/;

const NOT_A_CERTIFICATE =
  'is not a PEM certificate. Use the contents of the file from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----, including the line breaks';

const certificates = z.string().superRefine((text, context) => {
  const message = explainInvalidCertificates(text);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

/**
 * Options for TLS: how to verify the server's certificate, and which client certificate to present. Errors in PEM values are
 * reported when the configuration is read, before any connection is made. The messages do not quote the values.
 */
export const tlsOptions = z
  .object({
    ca_certificate: certificates.optional().meta({
      title: 'CA certificate',
      description:
        "One or more CA certificates in PEM format, including that of the authority that signed the server's certificate. No other authority is then trusted. If empty: the certificate authorities that Node.js trusts.",
      multiline: true,
      order: 0,
    }),
    client_certificate: certificates.optional().meta({
      title: 'Client certificate',
      description:
        'In PEM format: the certificate that this connector presents to the server, followed by its intermediate certificates. For servers that require one.',
      multiline: true,
      order: 1,
    }),
    client_key: z.string().optional().meta({
      title: 'Client key',
      description: 'The private key of the client certificate, in PEM format.',
      airbyte_secret: true,
      multiline: true,
      order: 2,
    }),
    client_key_passphrase: z.string().optional().meta({
      title: 'Passphrase of the client key',
      description: 'Required if the client key is encrypted.',
      airbyte_secret: true,
      order: 3,
    }),
    verify: z.boolean().default(true).meta({
      title: "Verify the server's certificate",
      description:
        'Turn this off only for tests: anyone between this connector and the server can then read the password and all rows.',
      order: 4,
    }),
  })
  .superRefine((tls, context) => {
    const error = findClientCertificateError(tls);
    if (error !== undefined) context.addIssue({ code: 'custom', path: [error.field], message: error.message });
  })
  // Airbyte's form always sends the tls object with all its defaults. So a tls object with only defaults counts as not set.
  .transform((tls) => (isDefault(tls) ? undefined : tls));

/** Whether all options have their default values. */
function isDefault({ verify, ...texts }: { verify: boolean; [option: string]: unknown }): boolean {
  return verify && Object.values(texts).every((text) => text === undefined);
}

type ClientCertificateOptions = {
  client_certificate?: string | undefined;
  client_key?: string | undefined;
  client_key_passphrase?: string | undefined;
};

/** Finds out why a client certificate and its key can't be used, and which field to fix. */
function findClientCertificateError({
  client_certificate,
  client_key,
  client_key_passphrase,
}: ClientCertificateOptions): { field: string; message: string } | undefined {
  if (client_key === undefined) {
    if (client_certificate === undefined) return undefined;
    return { field: 'client_key', message: 'is missing: the client certificate needs its private key' };
  }
  if (client_certificate === undefined) {
    return { field: 'client_certificate', message: 'is missing: the client key needs its certificate' };
  }
  const key = parsePrivateKey(client_key, client_key_passphrase);
  if (key.error !== undefined) return key.error;
  // The check of `client_certificate` has already reported an invalid certificate.
  if (explainInvalidCertificates(client_certificate) !== undefined) return undefined;
  const [own] = parseCertificates(client_certificate) ?? [];
  if (own !== undefined && !own.checkPrivateKey(key.object)) {
    return {
      field: 'client_key',
      message:
        'does not belong to the client certificate. Use the key that the certificate was created for. If there are several certificates, the one for this key must be the first',
    };
  }
  const error = findSecureContextError({
    cert: client_certificate,
    key: client_key,
    passphrase: client_key_passphrase,
  });
  if (error === undefined) return undefined;
  return {
    field: 'client_certificate',
    message: `can't be used for TLS (${parseOpensslReason(messageOf(error))}). Create another one, with a longer key`,
  };
}

function parsePrivateKey(
  key: string,
  passphrase: string | undefined,
): { object: KeyObject; error?: undefined } | { error: { field: string; message: string } } {
  try {
    // Always pass a passphrase. Otherwise OpenSSL would prompt for one in the terminal.
    return { object: createPrivateKey({ key, passphrase: passphrase ?? '' }) };
  } catch (error) {
    if (/decrypt/i.test(rawMessageOf(error))) {
      const message =
        passphrase === undefined ? 'is missing: the client key is encrypted' : 'does not decrypt the client key';
      return { error: { field: 'client_key_passphrase', message } };
    }
    return {
      error: {
        field: 'client_key',
        message:
          'is not a PEM private key. Use the contents of the file from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----, including the line breaks',
      },
    };
  }
}

/**
 * Explains what is wrong with PEM certificates. OpenSSL refuses client certificates if any of them is unreadable. For CA
 * certificates, it would silently ignore the unreadable one and all that follow. So both are checked as client certificates.
 */
function explainInvalidCertificates(text: string): string | undefined {
  if (parseCertificates(text) === undefined) return NOT_A_CERTIFICATE;
  const error = findSecureContextError({ cert: text });
  // Other errors, such as a short key, may be acceptable in a CA certificate. If they are not, they are reported when the
  // certificate is used.
  if (error === undefined || !UNREADABLE.test(codeOf(error))) return undefined;
  return `contains a complete certificate, but also a part that can't be read (${parseOpensslReason(messageOf(error))}). Put each -----BEGIN CERTIFICATE----- and each -----END CERTIFICATE----- on a line of its own`;
}

/** Returns the error with which OpenSSL refuses a certificate or key, or undefined if there is none. */
function findSecureContextError(options: SecureContextOptions): unknown {
  try {
    createSecureContext(options);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Parses PEM certificates. Returns undefined if there are none, or if one can't be read. */
function parseCertificates(text: string): X509Certificate[] | undefined {
  try {
    return text.match(PEM_CERTIFICATES)?.map((pem) => new X509Certificate(pem));
  } catch {
    return undefined;
  }
}

/** Extracts the reason from an OpenSSL error, without the location in OpenSSL's source code. */
export function parseOpensslReason(message: string): string {
  return REASON.exec(message)?.[1] ?? message.trim();
}
