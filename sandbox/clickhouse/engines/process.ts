import { type ChildProcess, fork, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { escapeXml } from '../users.ts';
import type { Engine } from './engines.ts';
import { pythonWith } from './wheels.ts';

/** The folder, users file and ports of an engine. */
export type Place = { folder: string; usersXml: string; port: number; tcpPort: number };

/** The log file of an engine that runs in Python, in its folder. */
export const LOG_FILE = 'engine.log';

/** Starts an engine. The process ends when its parent does. */
export type Start = () => ChildProcess;

/** Debian's package has it here, and its version does not change within a release of Debian. */
const DEBIAN_SERVER = '/usr/sbin/clickhouse-server';

/** Why Debian's server can't be run on this machine, or nothing if it can. */
export function debianServerMissing(): string | undefined {
  return existsSync(DEBIAN_SERVER)
    ? undefined
    : `Debian's clickhouse-server is not installed: there is no ${DEBIAN_SERVER}.`;
}

/** Prepares an engine: installs what it needs and writes its files. */
export async function prepareEngine(engine: Engine, place: Place): Promise<Start> {
  const data = join(place.folder, 'data');
  switch (engine.kind) {
    case 'npm': {
      const config = await writeConfig(place, '');
      return () => startNpmEngine(data, config, place);
    }
    case 'engine only': {
      const python = await pythonWith(engine.wheel);
      return () => startPython(python, 'engine_only.py', [data, place.usersXml, String(place.port)], place);
    }
    case 'server': {
      const python = await pythonWith(engine.wheel);
      const config = await writeServerConfig(place, data);
      return () => startPython(python, 'server.py', [config], place);
    }
    case 'debian': {
      const config = await writeServerConfig(place, data);
      return () => startPython('python3', 'debian.py', [DEBIAN_SERVER, config], place);
    }
  }
}

/** Its own process group, so that a Ctrl-C in the terminal does not reach it: its parent may still need it to end properly. */
const OWN_GROUP = { detached: true } satisfies SpawnOptions;

function startNpmEngine(data: string, config: string, { port, tcpPort }: Place): ChildProcess {
  const engine = fileURLToPath(new URL('../engine.js', import.meta.url));
  const options = ['--path', data, '--config', config, '--http-port', String(port), '--tcp-port', String(tcpPort)];
  return fork(engine, options, { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'], ...OWN_GROUP });
}

function startPython(python: string, script: string, args: readonly string[], { folder }: Place): ChildProcess {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const log = openSync(join(folder, LOG_FILE), 'a');
  try {
    return spawn(python, ['-B', path, ...args], {
      cwd: folder,
      // The engine ends when the other end of its stdin is closed.
      stdio: ['pipe', log, log],
      env: { ...process.env, TMPDIR: folder },
      ...OWN_GROUP,
    });
  } finally {
    closeSync(log);
  }
}

/**
 * Settings that ClickHouse's own config.xml turns on although they are off by default in the code; some features of new
 * versions need them (https://clickhouse.com/docs/operations/server-configuration-parameters/settings#access_control_improvements).
 */
const ACCESS_CONTROL = [
  'users_without_row_policies_can_read_rows',
  'on_cluster_queries_require_cluster_grant',
  'select_from_system_db_requires_grant',
  'select_from_information_schema_requires_grant',
  'settings_constraints_replace_previous',
];

async function writeServerConfig(place: Place, data: string): Promise<string> {
  const { folder, port, tcpPort } = place;
  await mkdir(data, { recursive: true });
  const folders = {
    path: data,
    tmp_path: join(folder, 'tmp'),
    user_files_path: join(folder, 'user_files'),
    format_schema_path: join(folder, 'format_schemas'),
    custom_cached_disks_base_directory: join(folder, 'caches'),
    filesystem_caches_path: join(folder, 'caches'),
  };
  const paths = Object.entries(folders).map(([name, path]) => `<${name}>${escapeXml(path)}/</${name}>`);
  return writeConfig(
    place,
    `<logger><level>error</level><console>1</console></logger>
  <http_port>${port}</http_port>
  <tcp_port>${tcpPort}</tcp_port>
  <listen_host>127.0.0.1</listen_host>
  ${paths.join('\n  ')}
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <mark_cache_size>268435456</mark_cache_size>
  <mlock_executable>false</mlock_executable>
  <access_control_improvements>${ACCESS_CONTROL.map((name) => `<${name}>true</${name}>`).join('')}</access_control_improvements>`,
  );
}

async function writeConfig({ folder, usersXml }: Place, more: string): Promise<string> {
  const path = join(folder, 'config.xml');
  const users = `<users_config>${escapeXml(usersXml)}</users_config>`;
  await writeFile(path, `<clickhouse>${users}${more}</clickhouse>`);
  return path;
}
