import { scratchOf, setControl, word, wordAt } from './control';
import { gemmAlikeTask } from './alike';
import { addPartsTask, affineTask, columnSumsTask } from './columns';
import { crossentropyTask } from './crossentropy';
import { depthwiseFilterGradientTask, depthwiseInputGradientTask, depthwiseTask } from './depthwise';
import { adamTask, keepPrefixesTask, reluGradientTask, sgdTask } from './elementwise';
import { filterGradientTask, gemmColumnsTask, gemmTask, inputGradientTask, packRowsTask } from './gemm';
import { growTask, nonzeroTask } from './grow';
import { packTask, padTask } from './pack';
import { averagePoolGradientTask, averagePoolTask, maxPoolGradientTask, maxPoolTask } from './pool';

// what is built can be told from what is not (session.ts)
export { crossentropyTask, gemmAlikeTask, growTask, nonzeroTask };

const GENERATION = 0,
  OPEN = 1,
  INSIDE = 2,
  NEXT = 3,
  TASKS = 4,
  OPERATION = 5,
  THREADS = 6,
  SPINS = 7;

export function start(control: usize): void {
  setControl(control);
}

/**
 * Runs an operation cut into tasks. Which thread takes a task changes nothing: what a task does follows from the shapes alone.
 * A worker that wakes too late finds the operation closed, and nobody waits for it.
 */
export function run(operation: i32, tasks: i32): void {
  if (word(THREADS) < 2 || tasks < 2) {
    for (let i = 0; i < tasks; i++) execute(operation, i, 0);
    return;
  }
  store<i32>(wordAt(OPERATION), operation);
  store<i32>(wordAt(TASKS), tasks);
  atomic.store<i32>(wordAt(NEXT), 0);
  atomic.store<i32>(wordAt(OPEN), 1);
  atomic.add<i32>(wordAt(GENERATION), 1);
  atomic.notify(wordAt(GENERATION), word(THREADS) - 1);
  takeTasks(0);
  atomic.store<i32>(wordAt(OPEN), 0);
  let spins = 0;
  for (;;) {
    const inside = atomic.load<i32>(wordAt(INSIDE));
    if (inside == 0) return;
    if (++spins > 20000) atomic.wait<i32>(wordAt(INSIDE), inside, 50000);
  }
}

/** A worker's life: ends when the operation is -1. */
export function serve(thread: i32): void {
  let seen = 0;
  for (;;) {
    for (let spins = 0; atomic.load<i32>(wordAt(GENERATION)) == seen;) {
      if (++spins > word(SPINS)) atomic.wait<i32>(wordAt(GENERATION), seen, -1);
    }
    seen = atomic.load<i32>(wordAt(GENERATION));
    if (atomic.load<i32>(wordAt(OPERATION)) < 0) return;
    atomic.add<i32>(wordAt(INSIDE), 1);
    if (atomic.load<i32>(wordAt(OPEN)) != 0) takeTasks(thread);
    if (atomic.sub<i32>(wordAt(INSIDE), 1) == 1) atomic.notify(wordAt(INSIDE), 1);
  }
}

function takeTasks(thread: i32): void {
  const operation = word(OPERATION),
    tasks = word(TASKS);
  for (;;) {
    const task = atomic.add<i32>(wordAt(NEXT), 1);
    if (task >= tasks) return;
    execute(operation, task, thread);
  }
}

function execute(operation: i32, task: i32, thread: i32): void {
  switch (operation) {
    case 0:
      return packTask(task);
    case 1:
      return gemmTask(task, thread);
    case 2:
      return padTask(task);
    case 3:
      return filterGradientTask(task, thread);
    case 4:
      return inputGradientTask(task, thread);
    case 5:
      return addPartsTask(task);
    case 6:
      return columnSumsTask(task);
    case 7:
      return affineTask(task);
    case 8:
      return reluGradientTask(task);
    case 9:
      return adamTask(task);
    case 10:
      return sgdTask(task);
    case 11:
      return maxPoolTask(task);
    case 12:
      return maxPoolGradientTask(task);
    case 13:
      return averagePoolTask(task);
    case 14:
      return averagePoolGradientTask(task);
    case 15:
      return depthwiseTask(task);
    case 16:
      return depthwiseInputGradientTask(task);
    case 17:
      return depthwiseFilterGradientTask(task);
    case 18:
      return packRowsTask(task, thread);
    case 19:
      return gemmColumnsTask(task, thread);
    case 20:
      return keepPrefixesTask(task);
    case 30:
      return growTask(task, thread);
    case 31:
      return crossentropyTask(task);
    case 32:
      return gemmAlikeTask(task, thread);
    case 33:
      return nonzeroTask(task);
  }
}
