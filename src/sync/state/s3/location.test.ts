import { expect, test } from 'vitest';
import { parseS3Location } from './location.ts';

test.each([
  ['s3://bucket/state.json', 'bucket', 'state.json'],
  ['S3://my.bucket-1/a/b c/état.json', 'my.bucket-1', 'a/b c/état.json'],
  ['s3://bucket/a..b/.hidden', 'bucket', 'a..b/.hidden'],
])('parses %s', (url, bucket, key) => {
  expect(parseS3Location(url)).toEqual({ url, bucket, key });
});

test.each(['state.json', '/state/s3://x', './s3:state.json', 'C:\\state.json'])('%s is a file', (path) => {
  expect(parseS3Location(path)).toBeUndefined();
});

test.each([
  's3:bucket/state.json',
  's3:/bucket/state.json',
  's3://bucket',
  's3://bucket/',
  's3://bucket/folder/',
  's3://bucket//state.json',
  's3://bucket/../state.json',
  's3://bucket/a/./b',
  's3:///state.json',
  's3://AKIA:s3cret@bucket/state.json',
])('%s is a config_error that shows how to write it, and not the value', (url) => {
  expect(() => parseS3Location(url)).toThrow(
    expect.objectContaining({ failureType: 'config_error', message: expect.stringContaining('s3://BUCKET/KEY') }),
  );
  expect(() => parseS3Location(url)).not.toThrow(/s3cret/);
});
