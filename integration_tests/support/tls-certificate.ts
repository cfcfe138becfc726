import { type CertificateExtension, generate } from 'selfsigned';

/** A private key and its certificate, in PEM. */
export type Identity = { key: string; cert: string };

type Options = {
  /** Who signs it; by default, it is self-signed. */
  authority?: Identity;
  /** The name that it is for, in addition to its address 127.0.0.1. */
  host?: string;
  /** The addresses that it is for. */
  addresses?: readonly string[];
  notBefore?: Date;
  notAfter?: Date;
  /** Encrypts the private key. */
  passphrase?: string;
  /** The length of the RSA key. */
  bits?: number;
};

/** A certificate of a server or a client; by default, a self-signed one for localhost and 127.0.0.1. */
export async function certificate({
  authority,
  host = 'localhost',
  addresses = ['127.0.0.1'],
  notBefore,
  notAfter,
  passphrase,
  bits,
}: Options = {}): Promise<Identity> {
  const altNames = [
    { type: 2 as const, value: host },
    ...addresses.map((ip): { type: 7; ip: string } => ({ type: 7, ip })),
  ];
  return make(host, [{ name: 'subjectAltName', altNames }], {
    ...(authority === undefined ? {} : { ca: authority }),
    ...(notBefore === undefined ? {} : { notBeforeDate: notBefore }),
    ...(notAfter === undefined ? {} : { notAfterDate: notAfter }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(bits === undefined ? {} : { keySize: bits }),
  });
}

/** An authority that signs certificates. */
export function certificateAuthority(name: string): Promise<Identity> {
  return make(
    name,
    [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
    {},
  );
}

async function make(
  commonName: string,
  extensions: CertificateExtension[],
  options: Parameters<typeof generate>[1],
): Promise<Identity> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: commonName }], {
    algorithm: 'sha256',
    ...options,
    extensions,
  });
  return { key, cert };
}
