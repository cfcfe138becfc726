/**
 * Replaces string-width in the bundle (see rolldown.config.js). yargs measures its help texts at every start, even if no help is
 * shown. Importing string-width makes ICU load its tables of graphemes and emoji, which takes a third of the time of `spec`.
 * This replacement loads string-width only for text that is not printable ASCII.
 */
export default function stringWidth(text, options) {
  return /^[ -~]*$/.test(text) ? text.length : require('string-width').default(text, options);
}
