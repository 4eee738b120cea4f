/** The process that examines one backend: a native package that crashes takes only this one along. */
import process from 'node:process';

import { examineBackend } from './examine.js';
import type { FromWorker, ToWorker } from './messages.js';

let answer: ((now: number) => void) | undefined;

process.on('message', (message: ToWorker) => {
  if (message.kind === 'time') answer?.(message.now);
  else void examine(message);
});

async function examine(order: ToWorker & { kind: 'examine' }): Promise<void> {
  const { backend, threads } = order;
  const diagnosis = await examineBackend({ backend, now: askForTime, ...(threads === undefined ? {} : { threads }) });
  send({ kind: 'done', diagnosis });
}

async function askForTime(): Promise<number> {
  return new Promise((resolve) => {
    answer = resolve;
    send({ kind: 'time?' });
  });
}

function send(message: FromWorker): void {
  process.send?.(message);
}
