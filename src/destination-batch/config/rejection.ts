import { z } from 'zod';
import { literalOption } from './options.ts';

/** Whether rejected rows make a sync fail. In Airbyte's form, the constant `mode` distinguishes the two variants. */
export const onRejectionOption = z
  .discriminatedUnion('mode', [
    z
      .object({ mode: literalOption('skip', 'Mode') })
      .meta({ title: 'Continue', description: 'Send the other rows, and let the sync succeed.' }),
    z
      .object({
        mode: literalOption('fail', 'Mode'),
        max_rows: z
          .int()
          .min(0)
          .optional()
          .meta({
            title: 'Maximum rejected rows',
            description: 'The sync fails when more rows than this are rejected.',
            examples: [0, 100],
            order: 1,
          }),
        max_share: z
          .number()
          .min(0)
          .lt(1)
          .optional()
          .meta({
            title: 'Maximum share of rejected rows',
            description: 'The sync fails when a larger share of its rows is rejected: 0.05 is 5%.',
            examples: [0.05],
            order: 2,
          }),
      })
      .meta({
        title: 'Fail',
        description: 'Let the sync fail at the first rejected row, or when a number or a share of rows is exceeded.',
      }),
  ])
  .default({ mode: 'skip' })
  .meta({
    type: 'object',
    title: 'When rows are rejected',
    description:
      'Continue: the other rows are sent. Fail: the sync fails at the first rejected row or, if you set a maximum number or share, when that maximum is exceeded. If nearly all rows are rejected for one reason, the sync always fails.',
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
        description:
          'An existing folder. In a container, use a mounted folder; otherwise the files are lost when the container is removed.',
        examples: ['/local/rejected'],
        order: 1,
      }),
  })
  .meta({ title: 'Files', description: 'Store rejected rows as files in a folder.' });

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
        description: 'The prefix of the object names.',
        examples: ['batch/rejected'],
        order: 3,
      }),
    s3_endpoint: z
      .url({ protocol: /^https?$/ })
      .optional()
      .meta({
        title: 'Endpoint',
        description: 'The address of an S3-compatible store. Defaults to AWS S3.',
        examples: ['https://minio.example.com:9000'],
        order: 4,
      }),
    access_key_id: z.string().min(1).optional().meta({
      title: 'Access key ID',
      description: "Defaults to the machine's own credentials: its environment variables, AWS profile or role.",
      order: 5,
    }),
    secret_access_key: z.string().min(1).optional().meta({
      title: 'Secret access key',
      description: 'The secret for the access key ID.',
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
        description: 'A role to assume with these credentials.',
        pattern_descriptor: 'arn:aws:iam::ACCOUNT:role/NAME',
        examples: ['arn:aws:iam::123456789012:role/rejected-rows'],
        order: 7,
      }),
  })
  .meta({ title: 'S3', description: 'Store rejected rows as objects in S3 or another S3-compatible store.' });

/** Where rejected rows are stored. `S3` has the same options as Airbyte's object_storage_config. */
export const rejectedRowsOption = z
  .discriminatedUnion('storage_type', [
    z
      .object({ storage_type: literalOption('None', 'Storage') })
      .meta({ title: 'Nowhere', description: 'Only count rejected rows, and describe the first ones in the log.' }),
    local,
    s3,
  ])
  .default({ storage_type: 'None' })
  .meta({
    type: 'object',
    title: 'Rejected rows',
    description:
      'Where to store rejected rows, each with its reason, so that you can inspect them and send them again. Nowhere: they are only counted, and the first ones are described in the log without their values.',
    order: 11,
  });

export type OnRejection = z.output<typeof onRejectionOption>;
export type RejectedRowsOptions = z.output<typeof rejectedRowsOption>;
export type S3Options = z.output<typeof s3>;
