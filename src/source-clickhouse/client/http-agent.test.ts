import { once } from 'node:events';
import { get } from 'node:https';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { sourceConfigurationSchema } from '../config/schema.ts';
import { createHttpAgent } from './http-agent.ts';

test('reports an error at the start of TLS in a tunnel, and closes the connection', async () => {
  const configuration = {
    ...sourceConfigurationSchema.parse({ host: 'clickhouse.internal', port: 8443, ssl: true }),
    tls: { client_certificate: '-----BEGIN CERTIFICATE-----\nMIIB', verify: true },
  };
  const way = new Socket();
  const agent = createHttpAgent(configuration, { connect: async () => way }, undefined);
  const [error] = await once(get({ host: 'clickhouse.internal', port: 8443, agent }), 'error');
  expect(error.code).toMatch(/^ERR_OSSL_PEM/);
  expect(way.destroyed).toBe(true);
});
