import { KEEP_PREFIXES } from '../../../layers/index.js';
import type { KeepPrefixesAttributes } from '../../../layers/index.js';
import { keepPrefixesInto } from '../../keep-prefixes.js';
import { floats, replaceKernel } from '../kernel.js';
import { session } from './session.js';

/** Elements a task: enough to be worth waking a thread. */
const TASK = 32_768;

/** TailDropout's step in one pass over the heap each way: nothing is drawn, filled or uploaded but the widths. */
export function installKeepPrefixes(): void {
  replaceKernel(KEEP_PREFIXES, 'wasm', () => ({ x }, attributes, backend) => {
    const kept = attributes as unknown as KeepPrefixesAttributes;
    const { ks, repeat, size, inner, units } = kept;
    const s = session();
    const out = backend.makeOutput([...x.shape], 'float32');
    if (s === undefined) {
      keepPrefixesInto(floats(out, backend), floats(x, backend), kept);
      return out;
    }
    const rows = ks.length * repeat;
    const each = Math.max(1, Math.ceil(TASK / (size * inner)));
    const [widths, map] = [s.ints('widths', ks), units === null ? 0 : s.ints('units', units)];
    // prettier-ignore
    s.run('keepPrefixes', Math.ceil(rows / each), s.at(x), s.at(out), widths, ks.length === 1 ? 0 : repeat, size, inner, map, rows, each);
    return out;
  });
}
