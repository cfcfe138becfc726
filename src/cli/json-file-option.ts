/** An option of yargs that names a file. @param what is in it. */
export function jsonFile(what: string): { type: 'string'; demandOption: true; requiresArg: true; describe: string } {
  return { type: 'string', demandOption: true, requiresArg: true, describe: `the JSON file with ${what}` };
}
