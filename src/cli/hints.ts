import type { TdcError } from '../errors.js';

/** The way out of an error that names none of its own, by its code. */
const GENERAL: Readonly<Record<string, string>> = {
  usage: 'tdc --help lists the commands, and --help behind a command its options.',
  model: 'A model is a folder with the model.json and weight files that model.save() or tensorflowjs_converter writes.',
  data: 'Data is a .csv, .npz, .npy, .json or idx file; the target is its last column, its array y, or what --target names.',
  output: 'Name another folder with --out.',
  backend: 'tdc doctor says which backends work here.',
};

/** How to mend it: in the error's own words where it has some; null: nothing is known. */
export function hintOf({ code, hint }: TdcError): string | null {
  return hint ?? GENERAL[code] ?? null;
}
