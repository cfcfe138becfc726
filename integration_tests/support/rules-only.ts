import { TextConverter } from '../../src/destination-batch/mapping/fast-path/text-converter.ts';

const { convert } = TextConverter.prototype;

/** Runs `map` while the rules parse all JSON and convert each value themselves: as the copier must do it, without the copier. */
export function withRulesOnly<Result>(map: () => Result): Result {
  TextConverter.prototype.convert = () => undefined;
  try {
    return map();
  } finally {
    TextConverter.prototype.convert = convert;
  }
}
