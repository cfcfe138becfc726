// The least that any destination has to do with its stdin: split it into lines and parse each as JSON. It stores nothing.
let rest = Buffer.alloc(0);
let rows = 0;
for await (const bytes of process.stdin) {
  const chunk = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
  let start = 0;
  for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
    if (JSON.parse(chunk.toString('utf8', start, end)).type === 'RECORD') rows += 1;
    start = end + 1;
  }
  rest = chunk.subarray(start);
}
process.stdout.write(`${rows}\n`);
