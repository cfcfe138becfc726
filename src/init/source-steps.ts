import type { CommandContext } from '../protocol/command-context.ts';
import { log } from '../protocol/messages.ts';
import { type DescribedStream, describeStreams } from '../runner/describe-streams.ts';
import { type Attempt, tryConnector } from '../runner/try-connector.ts';
import { formatCount, formatList } from '../shared/format.ts';
import { printable } from '../shared/printable.ts';
import { check, checkAddress, checkConnection, listDatabases } from '../source-clickhouse/commands.ts';
import { defaultUse, type RowKind } from '../source-clickhouse/schema/required-columns.ts';
import { findPortProblem, parseAddress } from './address.ts';
import { type Answers, asConfiguration, type SourceAnswers } from './answers.ts';
import { type Questions, showMessage } from './prompts.ts';
import type { Step } from './steps.ts';

const PORT = 8123;
const PORT_WITH_TLS = 8443;

/** The ports that are usually for HTTPS: ClickHouse's own, and the one of a proxy in front of ClickHouse. */
const TLS_PORTS = [PORT_WITH_TLS, 443];

const CLOUD = /\.clickhouse\.cloud$/i;

/** The maximum number of names in a message. */
const MAX_NAMED = 10;

/** The question for the cursor. */
const CURSOR_QUESTION: Record<RowKind, string> = {
  event: 'Column with the time when a row was inserted',
  profile: 'Column with the time when a row was last changed',
};

/** The questions about ClickHouse, in groups that are tested one after the other. */
export class SourceSteps {
  readonly answers: SourceAnswers;
  /** The chosen tables and views. */
  tables: string[] = [];
  /** The tables and views that can be synced. */
  streams: DescribedStream[] = [];
  readonly #all: Pick<Answers, 'kind'>;
  #databases: string[] = [];
  readonly #context: CommandContext;
  readonly #questions: Questions;

  /** @param answers earlier answers, which the user can change. */
  constructor(context: CommandContext, questions: Questions, answers: Omit<Answers, 'destination'>) {
    this.#context = context;
    this.#questions = questions;
    this.#all = answers;
    this.answers = answers.source;
  }

  list(): Step[] {
    return [
      { label: 'what is sent', ask: () => this.#askForKind() },
      {
        label: 'host and port',
        ask: () => this.#askForAddress(),
        test: { name: 'host and port', run: () => this.#testAddress() },
      },
      {
        label: 'user and password',
        ask: () => this.#askForLogin(),
        test: { name: 'user and password', run: () => this.#testLogin() },
      },
      {
        label: 'database and cursor column',
        ask: () => this.#askForDatabase(),
        test: { name: 'database', run: () => this.#testDatabase() },
      },
      {
        label: 'tables and views',
        ask: () => this.#askForTables(),
        isOutdated: () =>
          this.tables.length === 0 || !this.tables.every((table) => this.streams.some(({ name }) => name === table)),
        test: { name: 'first row', run: () => this.#testTables() },
      },
    ];
  }

  async #askForKind(): Promise<void> {
    const before = this.#all.kind;
    this.#all.kind = await this.#questions.select(
      'What do you want to send to Batch?',
      [
        { value: 'event', label: 'Events: each row is something that a profile did, such as a purchase' },
        { value: 'profile', label: 'Profile attributes: each row describes a profile, such as its plan' },
      ],
      before,
    );
    if (this.#all.kind !== before) this.tables = [];
  }

  async #askForAddress(): Promise<void> {
    const { host: hostBefore, port: portBefore, ssl: sslBefore } = this.answers;
    const answer = await this.#questions.text({
      message: 'ClickHouse host, or its URL',
      initial: formatAddress(this.answers),
      defaultAnswer: 'localhost',
      validate: (typed) => {
        const parsed = parseAddress(typed);
        return parsed.kind === 'invalid' ? parsed.problem : undefined;
      },
    });
    const parsed = parseAddress(answer);
    if (parsed.kind === 'invalid') throw new Error(`An invalid address was accepted: ${answer}`);
    const { host } = parsed;
    const isTlsLikely = CLOUD.test(host) || TLS_PORTS.includes(parsed.port ?? 0);
    const wasSame = host === hostBefore;
    const ssl =
      parsed.ssl ?? (await this.#questions.confirm('Use HTTPS?', (wasSame ? sslBefore : undefined) ?? isTlsLikely));
    const port = parsed.port ?? (await this.#askForPort(ssl, wasSame && ssl === sslBefore ? portBefore : undefined));
    Object.assign(this.answers, { host, port, ssl });
  }

  async #askForPort(ssl: boolean, before: number | undefined): Promise<number> {
    const port = await this.#questions.text({
      message: 'HTTP port',
      initial: before === undefined ? undefined : String(before),
      defaultAnswer: String(ssl ? PORT_WITH_TLS : PORT),
      validate: findPortProblem,
    });
    return Number(port);
  }

  #testAddress(): Promise<Attempt<string>> {
    const { host, port, ssl } = this.answers;
    return this.#try({ host, port, ssl }, async (context, given) => {
      await checkAddress(context, given);
      return `ClickHouse answers at ${host}:${port}`;
    });
  }

  async #askForLogin(): Promise<void> {
    const { username, password } = this.answers;
    this.answers.username = await this.#questions.text({
      message: 'User (needs SELECT on the table)',
      initial: username,
      defaultAnswer: 'default',
    });
    this.answers.password = await this.#questions.secret({
      message: `Password (empty ${password ? 'to keep it' : 'for none'}; or \${NAME}, or \${file:/PATH})`,
      before: password,
      isOptional: true,
    });
  }

  #testLogin(): Promise<Attempt<string>> {
    const { database, cursor_column, ...login } = this.answers;
    return this.#try(login, async (context, given) => {
      const { version, databases } = await listDatabases(context, given);
      this.#databases = databases;
      return `"${printable(login.username ?? '')}" can log in (ClickHouse ${version})`;
    });
  }

  async #askForDatabase(): Promise<void> {
    const { database, cursor_column } = this.answers;
    this.answers.database = await this.#chooseDatabase(database);
    this.answers.cursor_column = await this.#questions.text({
      message: CURSOR_QUESTION[this.#all.kind],
      initial: cursor_column,
      defaultAnswer: 'last_updated_at',
    });
  }

  async #chooseDatabase(before: string | undefined): Promise<string> {
    const [only, second] = this.#databases;
    if (only === undefined) {
      return this.#questions.text({ message: 'Database', initial: before, defaultAnswer: 'default' });
    }
    if (second === undefined) {
      showMessage('info', `Database: ${only}, the only one that the user can see`);
      return only;
    }
    return this.#questions.select(
      'Database',
      this.#databases.map((name) => ({ value: name, label: printable(name) })),
      before,
    );
  }

  #testDatabase(): Promise<Attempt<string>> {
    const { kind } = this.#all;
    return this.#try(this.answers, async (context, given) => {
      await checkConnection(context, given, kind);
      // `discover` also warns about streams that contain the same rows. The user sees this before choosing streams.
      const warn = (message: string): void => void context.output.write(log('WARN', message)).catch(() => {});
      this.streams = await describeStreams(context, given, warn, kind);
      const names = this.streams.map(({ name }) => name);
      return `${formatCount(names.length, 'table or view', 'tables and views')} can be synced: ${formatList(names, MAX_NAMED)}`;
    });
  }

  async #askForTables(): Promise<void> {
    const isProfiles = this.#all.kind === 'profile';
    const [only, second] = this.streams;
    if (only !== undefined && second === undefined && !(isProfiles && isOfEvents(only))) {
      this.tables = [only.name];
      return;
    }
    // For profiles, tables of events come last. They have the columns that a table of profiles needs, but the user rarely means
    // them.
    const sorted = this.streams.toSorted((a, b) => Number(isOfEvents(a)) - Number(isOfEvents(b)));
    const choices = (isProfiles ? sorted : this.streams).map((stream) => ({
      value: stream.name,
      label: printable(stream.name),
      hint: printable(Object.keys(stream.json_schema.properties).join(', ')),
    }));
    if (isProfiles) {
      // Only one table can be chosen, because a table of profiles is a stream only if the configuration names it.
      this.tables = [await this.#questions.select('Table or view with the profiles', choices, this.tables[0])];
      return;
    }
    this.tables = await this.#questions.multiselect(
      'Tables and views to sync: select with space, confirm with enter',
      choices,
      this.tables.filter((table) => choices.some(({ value }) => value === table)),
    );
  }

  #testTables(): Promise<Attempt<string>> {
    const findUse = () => defaultUse(this.#all.kind);
    return this.#try(this.answers, async (context, given) => {
      for (const table of this.tables) await check(context, { ...given, value: { ...this.answers, table } }, findUse);
      return `${formatList(this.tables, MAX_NAMED)}: the first row can be read`;
    });
  }

  #try(
    answers: object,
    command: (context: CommandContext, given: ReturnType<typeof asConfiguration>) => Promise<string>,
  ): Promise<Attempt<string>> {
    const given = asConfiguration(answers);
    return tryConnector(this.#context, 'source', given, (context) => command(context, given));
  }
}

/** Whether a table has the column with the name of an event. */
function isOfEvents({ json_schema }: DescribedStream): boolean {
  const { eventName } = defaultUse('event');
  return eventName !== undefined && Object.hasOwn(json_schema.properties, eventName);
}

function formatAddress({ host, port, ssl }: SourceAnswers): string | undefined {
  if (host === undefined || port === undefined || ssl === undefined) return undefined;
  return `${ssl ? 'https' : 'http'}://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;
}
