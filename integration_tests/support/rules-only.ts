import { TextConverter } from '../../src/destination-batch/mapping/fast-path/text-converter.ts';

const { convert } = TextConverter.prototype;

/** Runs `map` without the copier: the rules parse all JSON and convert each value. The copier must have the same results. */
export function withRulesOnly<Result>(map: () => Result): Result {
  TextConverter.prototype.convert = () => undefined;
  try {
    return map();
  } finally {
    TextConverter.prototype.convert = convert;
  }
}
