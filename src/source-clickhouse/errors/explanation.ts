import type { SourceErrorCode } from './codes.ts';

/** What a failure means and what to do about it, and the code that stands for this. */
export type Explanation = { code: SourceErrorCode; message: string };
