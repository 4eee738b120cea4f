import { replaceKernel, sizeOf } from '../kernel.js';
import type { Info } from '../kernel.js';
import { ALIKE_SCRATCH, areRowsAlike } from './rows-alike.js';
import { session } from './session.js';
import type { Session } from './session.js';

/** How gemm addresses its operand A: a matrix by strides, or the windows of a convolution. */
export interface OperandA {
  readonly address: number;
  /** 0: rows and columns by strides; 1: rows are output pixels, columns taps. */
  readonly kind: 0 | 1;
  readonly rowStride: number;
  readonly columnStride: number;
}

export interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Number of matrices, and the elements from one to the next. */
  readonly batch?: { readonly count: number; readonly a: number; readonly b: number };
  readonly bias?: number;
  readonly relu?: boolean;
}

/** Below this many multiply-adds waking a thread costs more than it saves. */
const WORTH_THREADS = 500_000;

/** A batch of examples, against the hundreds of columns of a layer's weights. */
const FEW_ROWS = 256;

/** Puts the own packed product in the place of stock matMul, plain, transposed, batched or fused. */
export function installMatMul(): void {
  replaceKernel('BatchMatMul', 'wasm', (stock) => (inputs, attributes, backend) => {
    const s = session();
    const transpose = [attributes['transposeA'] === true, attributes['transposeB'] === true] as const;
    const own = s && matMul(s, inputs.a, inputs.b, ...transpose);
    return own ?? stock!(inputs, attributes, backend);
  });
  replaceKernel('_FusedMatMul', 'wasm', (stock) => (inputs, attributes, backend) => {
    const s = session();
    const { activation } = attributes;
    const transpose = [attributes['transposeA'] === true, attributes['transposeB'] === true] as const;
    const plain = inputs.preluActivationWeights === undefined && isFused(activation);
    const own =
      s && plain ? matMul(s, inputs.a, inputs.b, ...transpose, inputs.bias, activation === 'relu') : undefined;
    return own ?? stock!(inputs, attributes, backend);
  });
}

/** Activations that a product applies by itself. */
export function isFused(activation: unknown): boolean {
  return activation === undefined || activation === null || activation === 'linear' || activation === 'relu';
}

/** op(a) * op(b) (+ bias) (relu), [..., m, n]; undefined for what is not covered (dtypes, batches that both broadcast). */
export function matMul(
  s: Session,
  a: Info,
  b: Info,
  transposeA: boolean,
  transposeB: boolean,
  bias?: Info,
  relu = false,
): Info | undefined {
  if (a.dtype !== 'float32' || b.dtype !== 'float32' || (bias !== undefined && bias.dtype !== 'float32'))
    return undefined;
  const [rows, inner] = lastTwo(a, transposeA);
  const [innerB, n] = lastTwo(b, transposeB);
  if (inner !== innerB || inner === 0 || rows * n === 0) return undefined;
  if (bias !== undefined && sizeOf(bias.shape) !== n) return undefined;
  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  const counts = [sizeOf(batchA), sizeOf(batchB)];
  if (counts[0] !== counts[1] && Math.min(...counts) !== 1) return undefined;
  if (counts[0] === counts[1] && counts[0] > 1 && batchA.join() !== batchB.join()) return undefined;
  const shape = counts[0] >= counts[1] ? longer(batchA, batchB) : batchB;
  const out = s.output([...shape, rows, n]);
  // one long matrix instead of many where all read the same b
  const flat = counts[1] === 1 && !transposeA;
  const operand: OperandA = {
    address: s.at(a),
    kind: 0,
    rowStride: transposeA ? 1 : inner,
    columnStride: transposeA ? rows : 1,
  };
  gemm(
    s,
    operand,
    { address: s.at(b), rowStride: transposeB ? 1 : n, columnStride: transposeB ? inner : 1 },
    s.at(out),
    {
      m: flat ? rows * counts[0] : rows,
      n,
      k: inner,
      batch: {
        count: flat ? 1 : Math.max(...counts),
        a: counts[0] === 1 ? 0 : rows * inner,
        b: counts[1] === 1 ? 0 : inner * n,
      },
      bias: s.at(bias),
      relu,
    },
  );
  return out;
}

function longer(a: number[], b: number[]): number[] {
  return a.length >= b.length ? a : b;
}

function lastTwo(x: Info, transpose: boolean): [number, number] {
  const rank = x.shape.length;
  const pair: [number, number] = [x.shape[rank - 2], x.shape[rank - 1]];
  return transpose ? [pair[1], pair[0]] : pair;
}

interface OperandB {
  readonly address: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** Sums run along k in an order that only k decides, whatever the threads and blocks. */
export function gemm(s: Session, a: OperandA, b: OperandB, c: number, product: Product): void {
  const { m, n, k } = product;
  const few = m <= FEW_ROWS && n >= 64 && a.kind === 0 && (product.batch?.count ?? 1) === 1;
  if (few && s.threads > 1 && m * n * k > WORTH_THREADS) gemmOfFewRows(s, a, b, c, product);
  else gemmOfManyRows(s, a, b, c, product);
  s.trim();
}

/** Packs A once; then threads take columns of B, each packing what it uses, so that B (here the larger) is read once. */
function gemmOfFewRows(
  s: Session,
  a: OperandA,
  b: OperandB,
  c: number,
  { m, n, k, bias = 0, relu = false }: Product,
): void {
  const panels = Math.ceil(m / 4);
  const packed = s.buffer('packed', panels * 4 * k * 4);
  const columns = Math.min(64, Math.max(16, Math.ceil(n / (4 * s.threads) / 8) * 8));
  s.reserve(256 * columns * 4);
  s.run('packRows', panels, a.address, a.rowStride, a.columnStride, m, k, packed);
  // prettier-ignore
  s.run('gemmColumns', Math.ceil(n / columns), packed, b.address, b.rowStride, b.columnStride, c, m, n, k, bias, relu ? 1 : 0, columns);
}

/** Packs B once; then threads take blocks of rows, each packing its own. */
function gemmOfManyRows(s: Session, a: OperandA, b: OperandB, c: number, product: Product): void {
  const { m, n, k } = product;
  const batch = product.batch ?? { count: 1, a: 0, b: 0 };
  const panels = Math.ceil(n / 8);
  const packedSize = panels * 8 * k;
  const matrices = batch.b === 0 ? 1 : batch.count;
  const parallel = s.threads > 1 && m * n * k * batch.count > WORTH_THREADS;
  const packed = s.buffer('packed', packedSize * matrices * 4);
  const panelsATask = parallel ? Math.max(1, Math.ceil(16_384 / (8 * k))) : panels;
  const packTasks = Math.ceil(panels / panelsATask);
  s.run(
    'pack',
    packTasks * matrices,
    b.address,
    b.rowStride,
    b.columnStride,
    k,
    n,
    packed,
    panelsATask * 8,
    packTasks,
    batch.b,
    packedSize,
  );
  const [rows, columns] = blockSize(s, product, parallel, batch.count);
  const rowBlocks = Math.ceil(m / rows);
  const columnBlocks = Math.ceil(n / columns);
  const alike = areRowsAlike() && s.covers('gemmAlike');
  s.reserve(alike ? ALIKE_SCRATCH : 0);
  // prettier-ignore
  s.run(alike ? 'gemmAlike' : 'gemm', rowBlocks * columnBlocks * batch.count, a.address, a.kind, a.rowStride, a.columnStride, packed, c, m, n, k,
    product.bias ?? 0, product.relu === true ? 1 : 0, rows, rowBlocks, columns, columnBlocks, batch.a, matrices === 1 ? 0 : packedSize, m * n);
}

function blockSize(s: Session, { m, n }: Product, parallel: boolean, count: number): [rows: number, columns: number] {
  const whole = Math.ceil(n / 8) * 8;
  if (!parallel) return [Math.ceil(m / 128) * 128, whole];
  const rows = Math.min(128, Math.max(16, Math.ceil(m / (4 * s.threads) / 4) * 4));
  const blocks = Math.ceil(m / rows) * count;
  if (blocks >= 2 * s.threads) return [rows, whole];
  const columnBlocks = Math.min(Math.ceil(n / 64), Math.ceil((2 * s.threads) / blocks));
  return [rows, Math.ceil(n / columnBlocks / 8) * 8];
}
