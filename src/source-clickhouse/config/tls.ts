import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { z } from 'zod';
import { codeOf, messageOf, rawMessageOf } from '../../protocol/errors.ts';

/** The certificates of a PEM text, one after the other, whatever stands between them. */
const PEM_CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Node's codes for a text that OpenSSL can't read. */
const UNREADABLE = /^ERR_OSSL_(?:PEM|ASN1)_/;

/** A reason in an error of OpenSSL: `error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/…`. */
const REASON = /error:[0-9A-F]+:[^:]*:[^:]*:([^:\n]+)/;

const NOT_A_CERTIFICATE =
  'holds no certificate in PEM. Give the text of the file, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----, with its line breaks';

const certificates = z.string().superRefine((text, context) => {
  const message = explainInvalidCertificates(text);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

/**
 * How the server's certificate is verified, and with which one this connector shows who it is. Texts in PEM. What is
 * wrong with a text is found here, before anything connects, and its value is not quoted.
 */
export const tlsOptions = z
  .object({
    ca_certificate: certificates.optional().meta({
      title: 'CA certificate',
      description:
        'The certificate of the authority that signed the one of the server, in PEM; several may stand one after the other. It alone is then trusted. Left empty: the authorities that Node.js knows.',
      multiline: true,
      order: 0,
    }),
    client_certificate: certificates.optional().meta({
      title: 'Client certificate',
      description:
        'The certificate, in PEM, by which the server knows this connector, with those between it and its authority. For servers that ask for one.',
      multiline: true,
      order: 1,
    }),
    client_key: z.string().optional().meta({
      title: 'Client key',
      description: 'The private key that belongs to the client certificate, in PEM.',
      airbyte_secret: true,
      multiline: true,
      order: 2,
    }),
    client_key_passphrase: z.string().optional().meta({
      title: 'Passphrase of the client key',
      description: 'If the client key is encrypted.',
      airbyte_secret: true,
      order: 3,
    }),
    verify: z.boolean().default(true).meta({
      title: 'Verify the certificate of the server',
      description:
        'Turned off, whoever stands between this connector and the server can read the password and all rows. For tests only.',
      order: 4,
    }),
  })
  .superRefine((tls, context) => {
    const error = findClientCertificateError(tls);
    if (error !== undefined) context.addIssue({ code: 'custom', path: [error.field], message: error.message });
  })
  // Airbyte's form always sends the object, with the defaults in it.
  .transform((tls) => (isDefault(tls) ? undefined : tls));

/** Whether the options say nothing that is not so without them. */
function isDefault({ verify, ...texts }: { verify: boolean; [text: string]: unknown }): boolean {
  return verify && Object.values(texts).every((text) => text === undefined);
}

type ClientCertificateOptions = {
  client_certificate?: string | undefined;
  client_key?: string | undefined;
  client_key_passphrase?: string | undefined;
};

/** What keeps a client certificate and its key from being used, and the field to mend. */
function findClientCertificateError({
  client_certificate,
  client_key,
  client_key_passphrase,
}: ClientCertificateOptions): { field: string; message: string } | undefined {
  if (client_key === undefined) {
    if (client_certificate === undefined) return undefined;
    return { field: 'client_key', message: 'is missing: the client certificate is of no use without its private key' };
  }
  if (client_certificate === undefined) {
    return { field: 'client_certificate', message: 'is missing: the client key is of no use without its certificate' };
  }
  const key = parsePrivateKey(client_key, client_key_passphrase);
  if (key.error !== undefined) return key.error;
  // It is named already.
  if (explainInvalidCertificates(client_certificate) !== undefined) return undefined;
  const [own] = parseCertificates(client_certificate) ?? [];
  if (own !== undefined && !own.checkPrivateKey(key.object)) {
    return {
      field: 'client_key',
      message:
        'does not belong to the client certificate. Give the key that the certificate was made for; of several certificates, its own must stand first',
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
    message: `can't be used for TLS (${parseOpensslReason(messageOf(error))}). Have another one made, with a key of today's length`,
  };
}

function parsePrivateKey(
  key: string,
  passphrase: string | undefined,
): { object: KeyObject; error?: undefined } | { error: { field: string; message: string } } {
  try {
    // Without a passphrase OpenSSL would ask for one at the terminal.
    return { object: createPrivateKey({ key, passphrase: passphrase ?? '' }) };
  } catch (error) {
    if (/decrypt/i.test(rawMessageOf(error))) {
      const message =
        passphrase === undefined ? 'is missing: the client key is encrypted' : 'does not open the client key';
      return { error: { field: 'client_key_passphrase', message } };
    }
    return {
      error: {
        field: 'client_key',
        message:
          'is no private key in PEM. Give the text of the file, from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----, with its line breaks',
      },
    };
  }
}

/**
 * What is wrong with a PEM text of certificates. OpenSSL reads the whole of a client's and takes offence at what it can't
 * read; of an authority's it would in silence leave out that and all behind it, so both are read as a client's.
 */
function explainInvalidCertificates(text: string): string | undefined {
  if (parseCertificates(text) === undefined) return NOT_A_CERTIFICATE;
  const error = findSecureContextError({ cert: text });
  // What else it dislikes, as a short key, is for the use to tell: an authority may have what a client may not.
  if (error === undefined || !UNREADABLE.test(codeOf(error))) return undefined;
  return `holds something that can't be read (${parseOpensslReason(messageOf(error))}) beside a whole certificate. Give each certificate from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----, with nothing else on these lines`;
}

/** Why OpenSSL takes no such certificate or key. */
function findSecureContextError(options: SecureContextOptions): unknown {
  try {
    createSecureContext(options);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The certificates of a PEM text; undefined when it has none, or one that can't be read. */
function parseCertificates(text: string): X509Certificate[] | undefined {
  try {
    return text.match(PEM_CERTIFICATES)?.map((pem) => new X509Certificate(pem));
  } catch {
    return undefined;
  }
}

/** What OpenSSL says is wrong, without where in its code it found that. */
export function parseOpensslReason(message: string): string {
  return REASON.exec(message)?.[1] ?? message.trim();
}
