import { free, replaceKernel, transposed } from '../kernel.js';

/** Fault: a wasm matMul with transposeA or transposeB takes a naive path, ten times slower than transposing first. */
export function repairBatchMatMul(): void {
  replaceKernel('BatchMatMul', 'wasm', (stock) => (inputs, attributes, backend) => {
    const { transposeA, transposeB } = attributes;
    if (stock === undefined) throw new Error('The wasm backend has no BatchMatMul.');
    const a = transposeA === true ? transposed(inputs.a, backend) : inputs.a;
    const b = transposeB === true ? transposed(inputs.b, backend) : inputs.b;
    const product = stock({ a, b }, { transposeA: false, transposeB: false }, backend);
    if (transposeA === true) free(a, backend);
    if (transposeB === true) free(b, backend);
    return product;
  });
}
