import type { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { ADMIN } from '../../sandbox/clickhouse/users.ts';
import { knownSettings } from './known-settings.ts';

// RowBinary: the bytes of values as ClickHouse stores them, without text that could be read in two ways.
// https://clickhouse.com/docs/interfaces/formats/RowBinary

/** JSON is written as text: its other form is that of its inner columns, which no other program writes. */
const SETTINGS = {
  input_format_binary_read_json_as_string: '1',
  output_format_binary_write_json_as_string: '1',
};

/** Inserts rows, the values of each in the order of the table's columns. */
export async function insertBytes(server: ClickHouseServer, table: string, bytes: Buffer): Promise<void> {
  await answer(server, `INSERT INTO ${table} FORMAT RowBinary`, bytes);
}

/** The values that the server itself has for the rows of a table. */
export async function bytesOf(server: ClickHouseServer, table: string, order: string): Promise<Buffer> {
  return answer(server, `SELECT * FROM ${table} ORDER BY ${order} FORMAT RowBinary`, Buffer.of());
}

async function answer(server: ClickHouseServer, query: string, body: Buffer): Promise<Buffer> {
  const url = `${server.url}/?${new URLSearchParams({ ...(await knownSettings(server, SETTINGS)), query })}`;
  const authorization = `Basic ${Buffer.from(`${ADMIN.name}:${ADMIN.password}`).toString('base64')}`;
  const response = await fetch(url, { method: 'POST', body: new Uint8Array(body), headers: { authorization } });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (!response.ok) throw new Error(bytes.toString());
  return bytes;
}

/** An integer with a number of bits, in two's complement if it is negative. */
export function integerBytes(value: bigint, bits: number): Buffer {
  const bytes = Buffer.alloc(bits / 8);
  let rest = BigInt.asUintN(bits, value);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

export function floatBytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

export function doubleBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

/** A length or a count. */
export function countBytes(count: number): Buffer {
  const bytes: number[] = [];
  let rest = count;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.of(...bytes, rest);
}

/** A string or any bytes, after their length. */
export function stringBytes(text: string | Uint8Array): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([countBytes(bytes.length), bytes]);
}

/** Values after their count. */
export function listBytes(items: readonly Buffer[]): Buffer {
  return Buffer.concat([countBytes(items.length), ...items]);
}
