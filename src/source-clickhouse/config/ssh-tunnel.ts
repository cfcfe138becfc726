import { z } from 'zod';

/** The default port of SSH (RFC 4253, section 4). */
const DEFAULT_SSH_PORT = 22;

/** Matches a SHA-256 fingerprint as ssh-keygen -l prints it: in base64, without padding. */
const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/;

const server = {
  tunnel_host: z
    .string()
    .min(1)
    .meta({
      title: 'SSH server',
      description: 'Host name of the SSH server (the bastion) that can reach ClickHouse.',
      examples: ['bastion.example.com'],
      order: 1,
    }),
  tunnel_port: z
    .int()
    .min(1)
    .max(65_535)
    .default(DEFAULT_SSH_PORT)
    .meta({ title: 'SSH port', description: 'The port of the SSH server.', examples: [22], order: 2 }),
  tunnel_user: z
    .string()
    .min(1)
    .meta({
      title: 'SSH user',
      description: 'The user on the SSH server. It must be allowed to forward TCP connections, but needs no shell.',
      examples: ['tunnel'],
      order: 3,
    }),
};

const tunnel_host_key = z
  .string()
  .regex(FINGERPRINT, 'must be a fingerprint as ssh-keygen -l prints it: SHA256: followed by 43 characters')
  .optional()
  .meta({
    title: 'Fingerprint of the SSH server',
    description:
      "The SHA-256 fingerprint of the SSH server's host key. If set, a server with a different key is refused. If empty: every server is trusted, and its fingerprint is logged.",
    pattern_descriptor: 'SHA256:… (43 characters after the colon)',
    examples: ['SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDpKuk7WWWsrLSAOeY'],
    order: 6,
  });

const byKey = z
  .object({
    tunnel_method: createMethodOption('SSH_KEY_AUTH'),
    ...server,
    ssh_key: z.string().min(1).meta({
      title: 'SSH private key',
      description:
        'The private key of the SSH user: the content of the file, in OpenSSH or PEM format, including line breaks.',
      airbyte_secret: true,
      multiline: true,
      order: 4,
    }),
    ssh_key_passphrase: z.string().optional().meta({
      title: 'Passphrase of the SSH private key',
      description: 'Required if the key is encrypted.',
      airbyte_secret: true,
      order: 5,
    }),
    tunnel_host_key,
  })
  .meta({ title: 'SSH key', description: 'Open a tunnel, and log in to the SSH server with a private key.' });

const byPassword = z
  .object({
    tunnel_method: createMethodOption('SSH_PASSWORD_AUTH'),
    ...server,
    tunnel_user_password: z
      .string()
      .min(1)
      .meta({ title: 'SSH password', description: 'The password of the SSH user.', airbyte_secret: true, order: 4 }),
    tunnel_host_key,
  })
  .meta({ title: 'SSH password', description: 'Open a tunnel, and log in to the SSH server with a password.' });

/** Options to connect to ClickHouse through an SSH server. They have the same form as in Airbyte's own database connectors. */
export const tunnelOptions = z
  .discriminatedUnion('tunnel_method', [
    z
      .object({ tunnel_method: createMethodOption('NO_TUNNEL') })
      .meta({ title: 'No tunnel', description: 'Connect to ClickHouse directly.' }),
    byKey,
    byPassword,
  ])
  .optional()
  .meta({
    type: 'object',
    title: 'SSH tunnel',
    description:
      'Connect to ClickHouse through an SSH server. Host and port are then the address of ClickHouse as seen from the SSH server.',
  });

/** The options of an SSH tunnel, without NO_TUNNEL. */
export type TunnelOptions = z.output<typeof byKey> | z.output<typeof byPassword>;

function createMethodOption<Name extends string>(name: Name): z.ZodLiteral<Name> {
  return z.literal(name).meta({ title: 'Method', description: 'How to open the tunnel.', order: 0 });
}
