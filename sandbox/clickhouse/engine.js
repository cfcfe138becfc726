import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { DataType, load, open } from 'ffi-rs';

/**
 * The process of the ClickHouse server: `clickhouse local` from chdb's shared library, which listens for HTTP and runs a
 * query that never ends. It ignores SIGTERM during that query, so SIGKILL ends it, and it ends itself when its parent is
 * gone. It is JavaScript, because compiling TypeScript would double its start time.
 */
const { values } = parseArgs({
  options: {
    path: { type: 'string' },
    'http-port': { type: 'string' },
    'tcp-port': { type: 'string' },
    config: { type: 'string' },
  },
});

process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

const LIBRARY = 'chdb';
open({ library: LIBRARY, path: libraryPath() });

const commandLine = [
  'clickhouse',
  `--path=${values.path}`,
  `--config-file=${values.config}`,
  `--http_port=${values['http-port']}`,
  `--tcp_port=${values['tcp-port']}`,
  '--listen_host=127.0.0.1',
  '--function_sleep_max_microseconds_per_block=0',
  '--multiquery',
  '--query=SYSTEM START LISTEN HTTP; SELECT sleepEachRow(1) FROM numbers(1000000) SETTINGS max_block_size=1 FORMAT Null',
];

await load({
  library: LIBRARY,
  funcName: 'chdb_query_cmdline',
  retType: DataType.I32,
  paramsType: [DataType.I32, DataType.StringArray],
  paramsValue: [commandLine.length, commandLine],
  // The call blocks while the server runs. In its own thread it leaves the event loop free for `disconnect`.
  runInNewThread: true,
});

// The query ends only if the server could not listen. The channel to the parent would keep this process alive.
process.exit(1);

/** chdb has a package with the library for each platform. */
function libraryPath() {
  const libc = process.platform === 'linux' ? '-gnu' : '';
  const name = `@chdb/lib-${process.platform}-${process.arch}${libc}`;
  return createRequire(import.meta.url).resolve(`${name}/libchdb.so`);
}
