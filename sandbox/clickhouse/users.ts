/** A user of the sandbox's ClickHouse. `grants` absent: everything. */
export type SandboxUser = {
  name: string;
  password: string;
  /** The settings of its profile, by ClickHouse's names. */
  settings: Readonly<Record<string, string | number>>;
  /** Settings that the user may not change, although it may change others. */
  constants?: readonly string[];
  /** The maximum values that the user may set. */
  maxima?: Readonly<Record<string, number>>;
  /** How many queries it may run in each interval. */
  quota?: { seconds: number; queries: number };
  grants?: readonly string[];
};

/** May do everything; creates the tables. */
export const ADMIN: SandboxUser = { name: 'admin', password: 'admin-secret', settings: {} };

/** A user as a careful administrator creates it for a connector: only SELECT, and it may not change settings (readonly=1). */
export const READER: SandboxUser = {
  name: 'batch_reader',
  // Contains characters that URLs, JSON and XML escape differently.
  password: 'r3ader/"&secret é',
  settings: { readonly: 1 },
  grants: ['GRANT SELECT ON *.*', 'GRANT SHOW ON *.*'],
};

/** READER with a password that a person can type. */
export const TYPED_READER: SandboxUser = { ...READER, password: 'reader-secret' };

/** Like READER, but it may change settings (readonly=2). */
export const READER_WITH_SETTINGS: SandboxUser = { ...READER, name: 'settings_reader', settings: { readonly: 2 } };

/** May read one table, and some columns of another one. */
export const STRANGER: SandboxUser = {
  name: 'stranger',
  password: 'stranger-secret',
  settings: { readonly: 1 },
  grants: ['GRANT SELECT ON granted.events', 'GRANT SELECT(custom_id, event_name) ON granted.partly'],
};

/** Creates a user like READER with more limits. */
export function readerWith(
  name: string,
  more: Pick<SandboxUser, 'settings' | 'constants' | 'maxima' | 'quota'>,
): SandboxUser {
  return { ...READER, name, ...more, settings: { ...READER.settings, ...more.settings } };
}

const USERS = [ADMIN, READER, READER_WITH_SETTINGS, STRANGER];

/**
 * Writes the server's users file, with `common` settings for all users. A user in `more` replaces the usual one of its name.
 * The user `default` is the engine's own session.
 */
export function usersXml(more: readonly SandboxUser[], common: SandboxUser['settings'] = {}): string {
  const users = [...USERS.filter(({ name }) => more.every((user) => user.name !== name)), ...more];
  return `<clickhouse>
  <profiles>
    <default/>
${users.map((user) => profileXml(user, common)).join('\n')}
  </profiles>
  <quotas>
    <default/>
${users.map(quotaXml).join('\n')}
  </quotas>
  <users>
    <default>
      <password></password>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </default>
${users.map(userXml).join('\n')}
  </users>
</clickhouse>
`;
}

function profileXml(
  { name, settings, constants = [], maxima = {} }: SandboxUser,
  common: SandboxUser['settings'],
): string {
  const values = Object.entries({ ...common, ...settings }).map(
    ([setting, value]) => `<${setting}>${escapeXml(`${value}`)}</${setting}>`,
  );
  const constraints = [
    ...constants.map((setting) => `<${setting}><readonly/></${setting}>`),
    ...Object.entries(maxima).map(([setting, most]) => `<${setting}><max>${most}</max></${setting}>`),
  ].join('');
  // Old servers treat an unknown element as a setting.
  return `    <${name}>${values.join('')}${constraints === '' ? '' : `<constraints>${constraints}</constraints>`}</${name}>`;
}

function quotaXml({ name, quota }: SandboxUser): string {
  const interval =
    quota === undefined
      ? ''
      : `<interval><duration>${quota.seconds}</duration><queries>${quota.queries}</queries></interval>`;
  return `    <${name}>${interval}</${name}>`;
}

function userXml({ name, password, grants }: SandboxUser): string {
  const queries = grants?.map((grant) => `<query>${escapeXml(grant)}</query>`).join('');
  return `    <${name}>
      <password>${escapeXml(password)}</password>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>${name}</profile>
      <quota>${name}</quota>
      ${queries === undefined ? '' : `<grants>${queries}</grants>`}
    </${name}>`;
}

/** Escapes a string for XML. */
export function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
