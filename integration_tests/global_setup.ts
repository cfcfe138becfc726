import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The tests run the launchers, and these run what was built: build what is there now. */
export default function setup(): void {
  execFileSync('npm', ['run', '--silent', 'build'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
  });
}
