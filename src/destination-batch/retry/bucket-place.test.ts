import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { openBucketPlace } from './bucket-place.ts';

test('a store that ignores conditions is refused, because two retries could send the same rows', async () => {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(request.method === 'GET' ? 404 : 200, { etag: '"any"' }).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const place = await openBucketPlace(
    {
      storage_type: 'S3',
      s3_bucket_name: 'bucket',
      bucket_path: 'rejected',
      s3_bucket_region: 'eu-west-1',
      s3_endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      access_key_id: 'key',
      secret_access_key: 'secret',
    },
    0,
  );
  await expect(place.journal.take(undefined, () => '{}')).rejects.toMatchObject({
    failureType: 'config_error',
    message: expect.stringMatching(/does not support conditional writes/),
  });
  place.close();
  server.closeAllConnections();
  server.close();
});
