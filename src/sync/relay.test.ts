import { Writable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MessageOutput, OutputClosedError } from '../protocol/output.ts';
import { relayLines } from './relay.ts';

const LINES = [
  '{"type":"RECORD","record":{"data":{"a":"é"}}}',
  '{"type":"STATE","state":{}}',
  '{"type":"TRACE","trace":{}}',
  '{"type":"LOG","log":{"message":"{\\"type\\":\\"RECORD\\""}}',
  '',
  'no message',
];

function output(chunks: Buffer[]): MessageOutput {
  return new MessageOutput(
    new Writable({
      write(chunk: Buffer, _, done) {
        chunks.push(chunk);
        done();
      },
    }),
  );
}

test('passes any chunks on unchanged, counts the rows and yields the other lines', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...LINES)),
      fc.array(fc.nat()),
      fc.boolean(),
      async (lines, cuts, end) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join('') + (end ? '' : LINES[0]));
        const places = cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b);
        const bounds = [0, ...places, bytes.length];
        async function* source(): AsyncGenerator<Buffer> {
          for (const [index, bound] of bounds.slice(1).entries()) yield bytes.subarray(bounds[index], bound);
        }
        const passed: Buffer[] = [];
        let rows = 0;
        const others: string[] = [];
        for await (const found of relayLines(source(), output(passed))) {
          rows += found.rows;
          others.push(...found.others);
        }
        expect(Buffer.concat(passed).equals(bytes)).toBe(true);
        expect(rows).toBe(lines.filter((line) => line === LINES[0]).length + (end ? 0 : 1));
        expect(others).toEqual(lines.filter((line) => line !== LINES[0] && line !== LINES[1]));
      },
    ),
  );
});

test('throws OutputClosedError when the destination is gone', async () => {
  const gone = new Writable({ write: (_, __, done) => done(new Error('EPIPE')) });
  async function* endless(): AsyncGenerator<Buffer> {
    for (;;) yield Buffer.from('{"type":"RECORD"}\n');
  }
  const pass = async (): Promise<void> => {
    for await (const _ of relayLines(endless(), new MessageOutput(gone)));
  };
  await expect(pass()).rejects.toThrow(OutputClosedError);
});
