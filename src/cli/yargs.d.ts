import 'yargs';

/** yargs 18 has this method, but @types/yargs lacks it. */
declare module 'yargs' {
  interface Argv<T> {
    usageConfiguration(configuration: { 'hide-types': boolean }): Argv<T>;
  }
}
