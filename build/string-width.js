/**
 * What the packages in the bundle measure texts with that they lay out; rolldown.config.js puts it there. yargs measures its
 * help at each start, whether or not it is shown, and string-width has ICU load its tables of graphemes and emoji as soon as it
 * is loaded: that was a third of the time of `spec`. Here the first text loads it that is not plain ASCII.
 */
export default function stringWidth(text, options) {
  return /^[ -~]*$/.test(text) ? text.length : require('string-width').default(text, options);
}
