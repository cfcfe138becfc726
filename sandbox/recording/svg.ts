import type { Frame, Line, Run } from './frames.ts';

/** The size of a character, and the space around the terminal, in pixels. */
const CHARACTER = { width: 8.4, height: 18, baseline: 13 };
const PADDING = 16;

/** How long the last frame is shown, in seconds. */
const LAST_FRAME = 4;

/**
 * Draws the frames of a recording as an animated SVG. The frames are next to each other, and the animation moves them through the
 * view; equal lines are drawn once. The SVG needs no script, so it also plays in an `img` element.
 *
 * @param title what the recording shows, for readers that can't see it.
 */
export function drawSvg(frames: readonly Frame[], columns: number, rows: number, title: string): string {
  const width = Math.ceil(columns * CHARACTER.width) + 2 * PADDING;
  const height = rows * CHARACTER.height + 2 * PADDING;
  const lines = new Map<string, string>();
  const drawn = frames.map(({ lines: shown }, index) => {
    const uses = shown.flatMap((line, row) => {
      if (line.length === 0) return [];
      const markup = drawLine(line);
      const id = lines.get(markup) ?? `l${lines.size}`;
      lines.set(markup, id);
      return [`<use href="#${id}" y="${row * CHARACTER.height}"/>`];
    });
    return `<g transform="translate(${index * width})">${uses.join('')}</g>`;
  });
  const definitions = [...lines].map(([markup, id]) => `<g id="${id}">${markup}</g>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(title)}">
<style>
${describeStyle(frames, width)}
</style>
<defs>
<clipPath id="view"><rect width="${width - 2 * PADDING}" height="${height - 2 * PADDING}"/></clipPath>
${definitions.join('\n')}
</defs>
<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>
<g transform="translate(${PADDING} ${PADDING})" clip-path="url(#view)"><g class="frames">
${drawn.join('\n')}
</g></g>
</svg>
`;
}

function describeStyle(frames: readonly Frame[], width: number): string {
  const duration = (frames.at(-1)?.at ?? 0) + LAST_FRAME;
  const steps = frames.map(({ at }, index) => {
    const percent = Number(((at / duration) * 100).toFixed(3));
    return `${percent}%{transform:translateX(${-index * width}px)}`;
  });
  const last = -(frames.length - 1) * width;
  return `text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace;fill:#e6edf3;white-space:pre}
.b{font-weight:bold}.d{opacity:.6}
.frames{animation:play ${duration.toFixed(2)}s step-end infinite}
@keyframes play{${steps.join('')}100%{transform:translateX(${last}px)}}
@media (prefers-reduced-motion:reduce){.frames{animation:none;transform:translateX(${last}px)}}`;
}

function drawLine(line: Line): string {
  return line.map(drawRun).join('');
}

function drawRun({ text, column, width, colour, background, bold, dim }: Run): string {
  const x = round(column * CHARACTER.width);
  const length = round(width * CHARACTER.width);
  const block =
    background === undefined
      ? ''
      : `<rect x="${x}" width="${length}" height="${CHARACTER.height}" fill="${background}"/>`;
  if (text.trim() === '') return block;
  const classes = [...(bold ? ['b'] : []), ...(dim ? ['d'] : [])].join(' ');
  const attributes = [
    `x="${x}" y="${CHARACTER.baseline}"`,
    // Whatever the width of the font of the reader, the columns stay in line.
    `textLength="${length}" lengthAdjust="spacingAndGlyphs"`,
    ...(classes === '' ? [] : [`class="${classes}"`]),
    ...(colour === undefined ? [] : [`style="fill:${colour}"`]),
  ];
  return `${block}<text ${attributes.join(' ')}>${escapeXml(text)}</text>`;
}

function round(pixels: number): number {
  return Number(pixels.toFixed(1));
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
