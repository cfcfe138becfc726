import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { DataType, load, open } from 'ffi-rs';

/**
 * The process that is the ClickHouse server: `clickhouse local` out of chdb's shared library, told to listen for HTTP
 * and to run a query that does not end. It ignores SIGTERM while that query runs, so it is ended by SIGKILL, and it
 * ends itself when the process that started it is gone. In JavaScript, as what translates TypeScript would take half of its start.
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
  // The call blocks for as long as the server runs; in a thread of its own it leaves the event loop free to hear `disconnect`.
  runInNewThread: true,
});

/** chdb brings the library in a package for each platform. */
function libraryPath() {
  const libc = process.platform === 'linux' ? '-gnu' : '';
  const name = `@chdb/lib-${process.platform}-${process.arch}${libc}`;
  return createRequire(import.meta.url).resolve(`${name}/libchdb.so`);
}
