import { JsonCopier } from '../../src/destination-batch/mapping/fast-path/json-copier.ts';

const { convertText } = JsonCopier.prototype;

/** Runs `map` while the rules parse all JSON and convert each value themselves: as the copier must do it, without the copier. */
export function withRulesOnly<Result>(map: () => Result): Result {
  JsonCopier.prototype.convertText = () => undefined;
  try {
    return map();
  } finally {
    JsonCopier.prototype.convertText = convertText;
  }
}
