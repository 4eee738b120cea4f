import { TOOL } from '../../version.js';
import type { Command } from '../command.js';
import { doctorText } from '../doctorText.js';

const NO_BACKEND = 4;
const CHECK_FAILED = 5;

export const doctorCommand: Command = {
  usage: 'doctor',
  describe: 'Which TensorFlow.js backends work here, and why not: device, gradients, speed',
  options: ['threads', 'json', 'quiet'],
  silent: ['config', 'out', 'force', 'seed'],
  readsConfig: false,
  examples: [
    ['tdc doctor', 'examine every backend'],
    ['tdc doctor --json | jq .chosen', 'what --backend auto takes'],
  ],
  run: async ({ given, world, context, printer }) => {
    const { diagnose } = await world.loadDoctor();
    const record = await diagnose({
      tool: TOOL,
      now: context.now,
      onBackend: (name) => printer.note(`examining ${name}`),
      ...(given.threads === undefined ? {} : { threads: given.threads }),
    });
    printer.result(record, () => doctorText(record));
    if (record.chosen === null) return NO_BACKEND;
    return record.backends.some((b) => b.name === record.chosen && b.gradientCheck.failed > 0) ? CHECK_FAILED : 0;
  },
};
