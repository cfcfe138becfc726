import { cpus } from 'node:os';
import { ClickHouseServer } from '../sandbox/clickhouse/server.ts';
import { say } from '../sandbox/say.ts';
import { destinationFigures } from './destination.ts';
import { table } from './figures.ts';
import { comparePeers } from './peers/main.ts';
import { READER_OF_SMALL_BLOCKS } from './peers/scenarios.ts';
import { sourceFigures } from './source.ts';
import { withTemporaryFolder } from './temporary-folder.ts';

/** `npm run bench [source | destination | peers]`: both connectors, one, or a comparison with other tools. See bench/README.md. */
const chosen = process.argv[2];
await withTemporaryFolder(async (file) => {
  const server = await ClickHouseServer.start(undefined, [READER_OF_SMALL_BLOCKS]);
  try {
    say(`Node ${process.version}, ${cpus().length} cores.`);
    if (chosen === 'peers') {
      say(await comparePeers(server, file));
      return;
    }
    if (chosen !== 'destination') say(`source-clickhouse\n\n${table(await sourceFigures(server, file))}\n`);
    if (chosen !== 'source') say(`destination-batch\n\n${table(await destinationFigures(server, file))}`);
  } finally {
    await server.stop();
  }
});
