import { z } from 'zod';
import { literalOption } from './options.ts';

/** What becomes of a sync when rows are rejected. The key of the choice is what Airbyte's forms tell the options apart by. */
export const onRejectionOption = z
  .discriminatedUnion('mode', [
    z.object({ mode: literalOption('skip', 'Mode') }).meta({ title: 'Go on' }),
    z
      .object({
        mode: literalOption('fail', 'Mode'),
        max_rows: z
          .int()
          .min(0)
          .optional()
          .meta({
            title: 'Rejected rows at most',
            description: 'The sync fails at the first rejected row beyond this number.',
            examples: [0, 100],
            order: 1,
          }),
        max_share: z
          .number()
          .min(0)
          .lt(1)
          .optional()
          .meta({
            title: 'Share of rejected rows at most',
            description: 'The sync fails when a larger share of its rows is rejected: 0.05 is one row in twenty.',
            examples: [0.05],
            order: 2,
          }),
      })
      .meta({ title: 'Fail' }),
  ])
  .default({ mode: 'skip' })
  .meta({
    type: 'object',
    title: 'When rows are rejected',
    description:
      'Go on with the other rows, or fail: at the first rejected row, or beyond the number or the share given. A sync of which nearly all rows are rejected for one reason fails in any case.',
    order: 10,
  });

const local = z
  .object({
    storage_type: literalOption('Local', 'Storage'),
    path: z
      .string()
      .min(1)
      .meta({
        title: 'Folder',
        description: 'An existing folder. In a container it has to be mounted, or it goes with the container.',
        examples: ['/local/rejected'],
        order: 1,
      }),
  })
  .meta({ title: 'Files' });

const s3 = z
  .object({
    storage_type: literalOption('S3', 'Storage'),
    s3_bucket_name: z
      .string()
      .min(1)
      .meta({ title: 'Bucket', description: 'The name of the bucket.', examples: ['rejected-rows'], order: 1 }),
    s3_bucket_region: z
      .string()
      .min(1)
      .meta({ title: 'Region', description: 'The region of the bucket.', examples: ['eu-west-1'], order: 2 }),
    bucket_path: z
      .string()
      .min(1)
      .meta({
        title: 'Path',
        description: 'What the names of the objects begin with.',
        examples: ['batch/rejected'],
        order: 3,
      }),
    s3_endpoint: z
      .url({ protocol: /^https?$/ })
      .optional()
      .meta({
        title: 'Endpoint',
        description: 'The address of another S3-compatible store. Left empty: that of AWS.',
        examples: ['https://minio.example.com:9000'],
        order: 4,
      }),
    access_key_id: z.string().min(1).optional().meta({
      title: 'Access key ID',
      description: 'Left empty: the credentials of the machine are used (its environment, profile or role).',
      order: 5,
    }),
    secret_access_key: z.string().min(1).optional().meta({
      title: 'Secret access key',
      description: 'The secret that belongs to the access key ID.',
      airbyte_secret: true,
      order: 6,
    }),
    role_arn: z
      .string()
      .regex(
        /^arn:[a-z-]+:iam::\d{12}:role\/.+$/,
        'must be the ARN of a role, such as arn:aws:iam::123456789012:role/x',
      )
      .optional()
      .meta({
        title: 'Role ARN',
        description: 'A role to take on with these credentials.',
        examples: ['arn:aws:iam::123456789012:role/rejected-rows'],
        order: 7,
      }),
  })
  .meta({ title: 'S3' });

/** Where rejected rows are kept; `S3` in the shape of Airbyte's object_storage_config. */
export const rejectedRowsOption = z
  .discriminatedUnion('storage_type', [
    z.object({ storage_type: literalOption('None', 'Storage') }).meta({ title: 'Nowhere' }),
    local,
    s3,
  ])
  .default({ storage_type: 'None' })
  .meta({
    type: 'object',
    title: 'Rejected rows',
    description:
      'Where rejected rows are kept, each with its reason, to be looked at and sent again. Nowhere: they are counted and described in the log, without their values.',
    order: 11,
  });

export type OnRejection = z.output<typeof onRejectionOption>;
export type RejectedRowsOptions = z.output<typeof rejectedRowsOption>;
export type S3Options = z.output<typeof s3>;
