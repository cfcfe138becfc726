/**
 * Replaces string-width in the bundle (see rolldown.config.js). yargs measures its help at each start, whether or not it is
 * shown, and string-width makes ICU load its tables of graphemes and emoji on import: a third of the time of `spec`. Here, only
 * text that is not plain ASCII loads it.
 */
export default function stringWidth(text, options) {
  return /^[ -~]*$/.test(text) ? text.length : require('string-width').default(text, options);
}
