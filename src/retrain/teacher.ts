import type { Batch } from '../data/types.js';
import { outputsOf } from '../evaluate/forward.js';
import type { Program } from '../graph/types.js';
import type { Outputs } from '../objective/types.js';

/** Above this the original's outputs are computed anew in every epoch. */
const MOST_BYTES = 256 * 2 ** 20;

/** The frozen original's outputs for rows that are read again in every epoch: computed in the first one, remembered from then on. */
export class Teacher {
  readonly #program: Program;
  readonly #known: Uint8Array;
  #values: Float32Array | undefined;
  #width = 0;
  #units = 0;

  /** @param rows number of rows of the split that is read */
  constructor(program: Program, rows: number) {
    this.#program = program;
    this.#known = new Uint8Array(rows);
  }

  /** @param batch the split's rows, in their order */
  async outputs(rows: Int32Array, batch: Batch): Promise<Outputs> {
    if (rows.every((row) => this.#known[row] === 1)) return this.#recall(rows);
    const outputs = await outputsOf(this.#program, batch);
    this.#remember(rows, outputs);
    return outputs;
  }

  #recall(rows: Int32Array): Outputs {
    const width = this.#width;
    const values = new Float32Array(rows.length * width);
    rows.forEach((row, i) => values.set(this.#values!.subarray(row * width, (row + 1) * width), i * width));
    return { values, rows: rows.length, units: this.#units };
  }

  #remember(rows: Int32Array, { values, units }: Outputs): void {
    const width = values.length / rows.length;
    if (this.#known.length * width * 4 > MOST_BYTES || (this.#values !== undefined && width !== this.#width)) return;
    [this.#width, this.#units] = [width, units];
    this.#values ??= new Float32Array(this.#known.length * width);
    rows.forEach((row, i) => {
      this.#values!.set(values.subarray(i * width, (i + 1) * width), row * width);
      this.#known[row] = 1;
    });
  }
}
