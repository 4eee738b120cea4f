import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type * as tf from '@tensorflow/tfjs';

const run = promisify(execFile);

/** Opens a folder with nothing but stock tfjs and a file loader of a few lines, and prints its outputs. */
const STOCK = `
console.warn = () => {};
const tf = require('@tensorflow/tfjs'), fs = require('fs'), path = require('path');
const [dir, asked] = process.argv.slice(1);
const json = JSON.parse(fs.readFileSync(path.join(dir, 'model.json'), 'utf8'));
const handler = { load: async () => ({
  modelTopology: json.modelTopology,
  weightSpecs: json.weightsManifest.flatMap((group) => group.weights),
  weightData: new Uint8Array(Buffer.concat(json.weightsManifest.flatMap((group) => group.paths)
    .map((name) => fs.readFileSync(path.join(dir, name))))).buffer,
}) };
tf.loadLayersModel(handler).then((model) => {
  const inputs = JSON.parse(fs.readFileSync(asked, 'utf8')).map(({ values, shape }) => tf.tensor(values, shape, 'float32'));
  const outputs = [model.predict(inputs.length === 1 ? inputs[0] : inputs)].flat();
  console.log(JSON.stringify(outputs.map((output) => ({ shape: output.shape, values: [...output.dataSync()] }))));
});
`;

export interface Plain {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** Outputs of a model on disk in a process of its own that knows @tensorflow/tfjs only. */
export async function freshOutputs(dir: string, inputs: readonly tf.Tensor[]): Promise<Plain[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tdc-fresh-'));
  try {
    const file = join(folder, 'inputs.json');
    const plain = inputs.map((input): Plain => ({ shape: input.shape, values: [...input.dataSync()] }));
    await writeFile(file, JSON.stringify(plain));
    const { stdout } = await run(process.execPath, ['-e', STOCK, dir, file], {
      cwd: join(import.meta.dirname, '../..'),
      maxBuffer: 2 ** 28,
    });
    return JSON.parse(stdout.slice(stdout.indexOf('[{'))) as Plain[];
  } finally {
    await rm(folder, { recursive: true });
  }
}
