import type { RunEvent } from '../pipeline/types.js';
import type { World } from './world.js';

/** Shows on standard error how far a run is. */
export interface Progress {
  readonly onEvent: (event: RunEvent) => void;
  /** Clears what moves, whatever happened. */
  stop(): void;
}

type ProgressEvent = Extract<RunEvent, { type: 'progress' }>;

const STAGE = 11;
const WIDTH = 76;
/** Without a terminal, a stage that takes long says so this often. */
const HEARTBEAT_MS = 15_000;

/** Nothing but warnings. */
export function quietProgress({ stderr }: World): Progress {
  return {
    onEvent: (event) => {
      if (event.type === 'warning') stderr.write(`${lineOf(event)}\n`);
    },
    stop: () => {},
  };
}

/** A line per stage and note, and a sign of life in long ones. */
export function plainProgress({ stderr, now }: World): Progress {
  const clock = stageClock(now);
  let spoke = now();
  return {
    onEvent: (event) => {
      if (event.type === 'start') {
        clock.start();
        spoke = now();
      } else if (event.type !== 'progress') {
        stderr.write(`${lineOf(event)}\n`);
      } else if (now() - spoke >= HEARTBEAT_MS) {
        spoke = now();
        stderr.write(`${progressText(event, clock.secondsLeft(event))}\n`);
      }
    },
    stop: () => {},
  };
}

/** One moving line: stage, steps, loss, time left; finished stages stay above it. */
export async function liveProgress(
  { stderr, now }: Pick<World, 'stderr' | 'now'>,
  stream: NodeJS.WritableStream,
): Promise<Progress> {
  const { default: ora } = await import('ora');
  // whether there is a terminal was decided by who calls; ora would look at the environment again
  const spinner = ora({ stream, isEnabled: true, discardStdin: false, hideCursor: true });
  const clock = stageClock(now);
  const say = (event: Exclude<RunEvent, { type: 'start' | 'progress' }>): void => {
    const moving = spinner.isSpinning;
    if (moving) spinner.stop();
    stderr.write(`${lineOf(event)}\n`);
    if (moving && event.type !== 'end') spinner.start();
  };
  return {
    onEvent: (event) => {
      if (event.type === 'start') {
        clock.start();
        spinner.start(`${event.stage.padEnd(STAGE - 2)}${event.detail}`);
      } else if (event.type === 'progress') {
        spinner.text = progressText(event, clock.secondsLeft(event)).replace(
          event.stage.padEnd(STAGE),
          event.stage.padEnd(STAGE - 2),
        );
      } else {
        say(event);
      }
    },
    stop: () => {
      if (spinner.isSpinning) spinner.stop();
    },
  };
}

/** `sweep      3 groups, 6 curves                                           11.4 s` */
function lineOf(event: Exclude<RunEvent, { type: 'start' | 'progress' }>): string {
  if (event.type === 'note') return event.text;
  if (event.type === 'warning') return `warning  ${event.text}`;
  if (event.reused) return `${event.stage.padEnd(STAGE)}reused: ${event.detail}`;
  const line = `${event.stage.padEnd(STAGE)}${event.detail}`;
  const time = secondsText(event.seconds);
  return `${line.padEnd(WIDTH - time.length - 1)} ${time}`;
}

/** `retrain    epoch 12 of 60, loss 0.213, 40 s left` */
export function progressText(event: ProgressEvent, secondsLeft: number | undefined): string {
  const share = event.total > 0 ? `${Math.floor((100 * event.done) / event.total)} %` : '';
  const parts = [
    event.detail ?? `step ${event.done} of ${event.total}`,
    event.loss === undefined ? '' : `loss ${event.loss.toPrecision(3)}`,
    share,
    secondsLeft === undefined ? '' : `${secondsText(secondsLeft)} left`,
  ];
  return event.stage.padEnd(STAGE) + parts.filter((part) => part !== '').join(', ');
}

function secondsText(seconds: number): string {
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Time left of the stage that runs, from the share that is done. */
function stageClock(now: () => number): { start(): void; secondsLeft(event: ProgressEvent): number | undefined } {
  let started = now();
  return {
    start: () => {
      started = now();
    },
    secondsLeft: ({ done, total }) => {
      if (done <= 0 || total <= 0) return undefined;
      return (((now() - started) / done) * (total - done)) / 1000;
    },
  };
}
