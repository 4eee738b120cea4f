import { relative } from 'node:path';

import type { Command } from '../command.js';
import { writeConfig } from '../init.js';

export const initCommand: Command = {
  usage: 'init',
  describe: 'Writes a configuration for this folder: finds a model and data in it',
  options: ['data', 'config', 'force', 'json', 'quiet'],
  silent: ['out', 'seed'],
  readsConfig: false,
  examples: [
    ['tdc init', 'write tdc.config.json'],
    ['tdc init --data train.csv', 'with this data'],
    ['tdc init --config tdc.config.ts', 'in TypeScript'],
  ],
  run: async ({ given, world, printer }) => {
    const written = await writeConfig(world.cwd, given);
    const file = relative(world.cwd, written.path);
    printer.result({ file, config: written.config }, () => written.text);
    printer.wrote({ folder: world.cwd, files: [file] });
    for (const text of written.missing) printer.note(text);
    if (written.missing.length > 0) return;
    const command = written.found ? 'tdc recommend' : `tdc recommend --config ${file}`;
    printer.next(command, 'measure how wide the layers need to be');
  },
};
