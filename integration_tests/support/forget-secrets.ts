import { beforeAll } from 'vitest';
import { forgetSecrets } from '../../src/protocol/secrets.ts';

// The test files of a project share a process: a secret that one of them registered would be masked in the messages of the others.
beforeAll(forgetSecrets);
