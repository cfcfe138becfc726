import type { Readable } from 'node:stream';
import type { ConfiguredCatalog } from '../../protocol/catalog.ts';
import type { CommandContext } from '../../protocol/command-context.ts';
import { BatchApi } from '../batch/api.ts';
import { DryRun } from '../batch/dry-run.ts';
import { RequestLog, type RequestLogOptions } from '../batch/request-log.ts';
import { RequestMetrics } from '../batch/request-metrics.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
import { openRejectedRowStore } from '../rejected/open-store.ts';
import { RejectionPolicy, TOLERANT_POLICY } from '../rejected/policy.ts';
import { type RejectedRowSink, RejectedRows } from '../rejected/rejected-rows.ts';
import { Report } from '../report.ts';
import { WriteSession } from './session.ts';

/**
 * Sends the rows on `input` to Batch, and echoes each state once all rows before it are settled.
 *
 * @param requestLog the log of the requests, if there is one.
 * @returns true after the end of the input, or false if a signal stopped the run before the end.
 * @throws ConnectorError when the sync can't continue. All states whose rows were settled by then have been written.
 */
export async function write(
  context: CommandContext,
  configuration: DestinationConfiguration,
  catalog: ConfiguredCatalog,
  input: Readable,
  requestLog?: RequestLogOptions,
): Promise<boolean> {
  const { dry_run: isDryRun, rejected_rows, retry_minutes, on_rejection } = configuration;
  const { output, now } = context;
  const report = new Report();
  const log =
    isDryRun || requestLog === undefined
      ? undefined
      : await RequestLog.open(requestLog, now, (message) => report.warn(message));
  const { receiver, requests } = await openReceiver(configuration, log);
  if (isDryRun) {
    report.warn('This is a dry run: nothing is sent to Batch, and no state is saved. Turn dry_run off to sync.');
    if (requestLog !== undefined)
      report.warn('A dry run sends no requests, so --request-log has no effect. Use dry_run_file.');
  }
  let rejectedRows: RejectedRows | undefined;
  let isOutputRead = false;
  try {
    // A dry run stores no rejected rows, because the next run reads the same rows again and would store them a second time.
    const store = isDryRun
      ? undefined
      : await openRejectedRowStore(rejected_rows, catalog, now(), retry_minutes * 60_000);
    rejectedRows = store && new RejectedRows(store, now);
    // Checked before any row is sent: if the store failed only later, each further run would send the same rows again.
    await rejectedRows?.checkWritable();
    const policy = new RejectionPolicy(on_rejection);
    const options = { configuration, catalog, receiver, requests, report, policy, rejectedRows };
    try {
      return await new WriteSession(context, { ...options, echoesStates: !isDryRun }).run(input);
    } finally {
      await output.flushed();
      isOutputRead = !output.readerGone.aborted;
    }
  } finally {
    await receiver.close();
    await rejectedRows?.close(isOutputRead);
    input.destroy();
  }
}

/**
 * Sends rows that were rejected before. It does what `write` does, but the outcomes of the rows go to `sink`, no state is echoed,
 * and rejected rows are never an error.
 *
 * @returns false if a signal stopped it before the end of the input.
 */
export async function resend(
  context: CommandContext,
  configuration: DestinationConfiguration,
  catalog: ConfiguredCatalog,
  input: Readable,
  sink: RejectedRowSink,
): Promise<boolean> {
  const { receiver, requests } = await openReceiver(configuration);
  try {
    return await new WriteSession(context, {
      configuration,
      catalog,
      receiver,
      requests,
      report: new Report('retry'),
      policy: TOLERANT_POLICY,
      rejectedRows: sink,
      echoesStates: false,
    }).run(input);
  } finally {
    await receiver.close();
    input.destroy();
  }
}

type OpenReceiver = { receiver: BatchApi | DryRun; requests: RequestMetrics };

async function openReceiver(configuration: DestinationConfiguration, log?: RequestLog): Promise<OpenReceiver> {
  const requests = new RequestMetrics();
  const receiver = configuration.dry_run
    ? await DryRun.open(configuration.dry_run_file)
    : new BatchApi(configuration, (status, milliseconds) => requests.count(status, milliseconds), log);
  return { receiver, requests };
}
