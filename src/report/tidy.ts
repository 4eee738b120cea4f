/** Just enough of an XML tree for what vega writes: elements, attributes, text. */
interface Node {
  tag: string;
  attributes: Map<string, string>;
  children: Node[];
  text: string;
}

const DROPPED = /^(class|role|aria-.*|pointer-events|font-family|stroke-miterlimit|xmlns.*|version)$/u;
/** Attributes that a `<g>` hands down to its children. */
const INHERITED = new Set([
  'fill',
  'fill-opacity',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'stroke-linecap',
  'stroke-linejoin',
  'font-size',
  'font-weight',
  'text-anchor',
]);
/** From here on a run of equal circles becomes one path of dots. */
const DOTS_FROM = 6;

/**
 * What is inside vega's root element, smaller: coordinates to 0.1 px, no graphics roles, classes, invisible or empty
 * parts; what all children of a group share stands on the group; a run of dots is one path. Ids get `prefix`, so that
 * several charts can stand in one page.
 */
export function tidySvg(svg: string, prefix: string): string {
  const root = parse(svg);
  const content = root.children.flatMap((n) => (n.tag === 'rect' ? [] : clean(n)));
  return content
    .map(write)
    .join('')
    .replace(/ id="/gu, ` id="${prefix}-`)
    .replace(/url\(#/gu, `url(#${prefix}-`);
}

function parse(svg: string): Node {
  const root: Node = { tag: '', attributes: new Map(), children: [], text: '' };
  const stack = [root];
  for (const [, close, tag, attributes, empty, text] of svg.matchAll(
    /<(\/?)([\w:]+)((?:\s[^\s=>/]+="[^"]*")*)\s*(\/?)>|([^<]+)/gu,
  )) {
    const top = stack.at(-1);
    if (top === undefined) break;
    if (tag === undefined) {
      top.text += text ?? '';
    } else if (close === '/') {
      stack.pop();
    } else {
      const node: Node = { tag, attributes: new Map(), children: [], text: '' };
      for (const [, key, value] of (attributes ?? '').matchAll(/([^\s=]+)="([^"]*)"/gu)) {
        if (key !== undefined && value !== undefined) node.attributes.set(key, value);
      }
      top.children.push(node);
      if (empty !== '/') stack.push(node);
    }
  }
  return root.children[0] ?? root;
}

function clean(node: Node): Node[] {
  const { attributes } = node;
  if (/\b(background|foreground)\b/u.test(attributes.get('class') ?? '') && node.tag === 'path') return [];
  if (attributes.get('opacity') === '0' || attributes.get('display') === 'none') return [];
  for (const [key, value] of attributes) {
    if (DROPPED.test(key) || isDefault(key, value)) attributes.delete(key);
    else if (/^(d|transform|x|y|x1|x2|y1|y2|dx|dy)$/u.test(key)) attributes.set(key, round(value));
  }
  if (attributes.get('transform') === 'translate(0,0)') attributes.delete('transform');
  node.children = node.children.flatMap(clean);
  if (node.tag === 'text' && node.text === '' && node.children.length === 0) return [];
  if (node.tag !== 'g') return [node];
  if (node.children.length === 0) return [];
  joinDots(node);
  joinShapes(node);
  lift(node);
  if (attributes.size === 0) return node.children;
  const only = node.children.length === 1 ? node.children[0] : undefined;
  return only !== undefined && merge(node, only) ? [only] : [node];
}

function isDefault(key: string, value: string): boolean {
  return (key === 'opacity' && value === '1') || (/^[xy]2$/u.test(key) && value === '0');
}

function round(value: string): string {
  return value.replace(/-?\d+\.\d+(e-?\d+)?/gu, (x) => String(Math.round(Number(x) * 10) / 10 || 0));
}

/** Circles of one size and colour: dots of a line with round ends, a third of the bytes. */
function joinDots(group: Node): void {
  const [first] = group.children;
  const shape = first?.attributes.get('d') ?? '';
  const radius = /^M([\d.]+),0A\1,\1,0,1,1,-\1,0A\1,\1,0,1,1,\1,0$/u.exec(shape)?.[1];
  if (first === undefined || radius === undefined || group.children.length < DOTS_FROM) return;
  // A circle with an outline is no dot.
  const isOutlined = (c: Node): boolean => c.attributes.has('stroke') && c.attributes.get('stroke-width') !== '0';
  if (group.children.some(isOutlined)) return;
  const fill = first.attributes.get('fill') ?? '';
  if (!group.children.every((c) => c.attributes.get('d') === shape && c.attributes.get('fill') === fill)) return;
  const d = group.children
    .map((c) => `M${/\(([^)]*)\)/u.exec(c.attributes.get('transform') ?? '(0,0)')?.[1] ?? ''}h0`)
    .join('');
  const attributes = new Map([
    ['d', d],
    ['stroke', fill],
    ['stroke-width', String(Math.round(20 * Number(radius)) / 10)],
    ['stroke-linecap', 'round'],
  ]);
  group.children = [{ tag: 'path', attributes, children: [], text: '' }];
}

/** Equal symbols at several places: one path. */
function joinShapes(group: Node): void {
  const [first] = group.children;
  const shape = relative(first?.attributes.get('d') ?? '');
  if (first === undefined || shape === undefined || group.children.length < 2) return;
  const looks = (c: Node): string =>
    [c.tag, ...[...c.attributes].flatMap(([k, v]) => (k === 'transform' ? [] : [k, v]))].join('\n');
  if (first.tag !== 'path' || !group.children.every((c) => looks(c) === looks(first))) return;
  const places = group.children.map((c) =>
    /^translate\(([-\d.]+),([-\d.]+)\)$/u.exec(c.attributes.get('transform') ?? ''),
  );
  if (places.some((p) => p === null)) return;
  const d = places
    .map((p) => `M${tenth(Number(p?.[1]) + shape.x)},${tenth(Number(p?.[2]) + shape.y)}${shape.rest}`)
    .join('');
  const attributes = new Map([...first.attributes].filter(([k]) => k !== 'transform'));
  group.children = [{ tag: 'path', attributes: attributes.set('d', d), children: [], text: '' }];
}

function tenth(v: number): number {
  return Math.round(10 * v) / 10 || 0;
}

/** A polygon's start and what follows it, relative. Undefined for anything else. */
function relative(d: string): { x: number; y: number; rest: string } | undefined {
  const parts = [...d.matchAll(/([MLhvZ])((?:-?[\d.]+,?)*)/gu)];
  if (parts.length < 2 || parts.map((p) => p[0]).join('') !== d) return undefined;
  let [x, y] = [0, 0];
  let start: { x: number; y: number } | undefined;
  let rest = '';
  for (const [, command = '', text = ''] of parts) {
    const [a = 0, b = 0] = text.split(',').map(Number);
    if (command === 'M') {
      if (start !== undefined) return undefined;
      start = { x: a, y: b };
      [x, y] = [a, b];
    } else if (command === 'L') {
      rest += `l${tenth(a - x)},${tenth(b - y)}`;
      [x, y] = [a, b];
    } else {
      rest += command === 'Z' ? 'z' : command + text;
      x += command === 'h' ? a : 0;
      y += command === 'v' ? a : 0;
    }
  }
  return start === undefined ? undefined : { ...start, rest };
}

function lift(group: Node): void {
  const [first] = group.children;
  if (first === undefined || group.children.length < 2) return;
  for (const [key, value] of first.attributes) {
    if (!INHERITED.has(key) || !group.children.every((c) => c.attributes.get(key) === value)) continue;
    group.attributes.set(key, value);
    for (const child of group.children) child.attributes.delete(key);
  }
}

/** A group around a single child hands its attributes over, where they don't get in each other's way. */
function merge(group: Node, child: Node): boolean {
  if (group.attributes.has('transform') && child.tag !== 'g') return false;
  if ([...group.attributes.keys()].some((k) => k !== 'transform' && !INHERITED.has(k))) return false;
  for (const [key, value] of group.attributes) {
    if (key === 'transform') {
      const moved = sum(value, child.attributes.get('transform'));
      if (moved === undefined) return false;
      child.attributes.set('transform', moved);
    } else if (!child.attributes.has(key)) child.attributes.set(key, value);
  }
  return true;
}

function sum(a: string, b: string | undefined): string | undefined {
  if (b === undefined) return a;
  const [p, q] = [a, b].map((t) => /^translate\(([-\d.]+),([-\d.]+)\)$/u.exec(t));
  if (!p || !q) return undefined;
  const add = (i: number): number => Math.round((Number(p[i]) + Number(q[i])) * 10) / 10;
  return `translate(${add(1)},${add(2)})`;
}

function write(node: Node): string {
  const attributes = [...node.attributes].map(([k, v]) => ` ${k}="${v}"`).join('');
  const inner = node.text + node.children.map(write).join('');
  return inner === '' ? `<${node.tag}${attributes}/>` : `<${node.tag}${attributes}>${inner}</${node.tag}>`;
}
