import type { StorageErrorTexts, StoredFiles } from '../rejected/stored-files.ts';
import type { JournalPlace } from './journal.ts';

/** The texts of errors of the store during a retry. */
export const RETRY_TEXTS: StorageErrorTexts = {
  action: 'read from and written to',
  consequence: 'No row is lost. Run retry again.',
};

/** The place of the rejected rows: a folder or a bucket. */
export type RetryPlace = {
  files: StoredFiles;
  journal: JournalPlace;
  /** Returns the path or the URL of a file. */
  locate: (name: string) => string;
  /** Removes the rows of a run after this position: see RejectedRowStore.position. */
  rollBack: (run: string, position: Readonly<Record<string, number>>) => Promise<void>;
  close: () => void;
};
