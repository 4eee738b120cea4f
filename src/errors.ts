/** What went wrong, in one sentence (what, expected, received), how to mend it, and the exit code that says so. */
export class TdcError extends Error {
  /** Stable, lower-case word for scripts: `usage`, `model`, `data`, … */
  readonly code: string;
  readonly exitCode: number;
  /** How to fix it; never names an option the CLI lacks. */
  readonly hint: string | undefined;

  constructor(code: string, exitCode: number, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.exitCode = exitCode;
    this.hint = options.hint;
  }
}

type Details = { hint?: string; cause?: unknown };

/** Unknown option, missing value, ill configuration, an argument outside its range. Exit 2. */
export class UsageError extends TdcError {
  constructor(message: string, details?: Details) {
    super('usage', 2, message, details);
  }
}

/** A model that is missing, broken, or of a kind that is not supported. Exit 3. */
export class ModelError extends TdcError {
  constructor(message: string, details?: Details) {
    super('model', 3, message, details);
  }
}

/** Data that is missing, broken, or does not fit the model. Exit 3. */
export class DataError extends TdcError {
  constructor(message: string, details?: Details) {
    super('data', 3, message, details);
  }
}

/** Training that diverges. Exit 3. */
export class TrainingError extends TdcError {
  constructor(message: string, details?: Details) {
    super('training', 3, message, details);
  }
}

/** A file or folder that cannot be written, or that stands in the way. Exit 3. */
export class OutputError extends TdcError {
  constructor(message: string, details?: Details) {
    super('output', 3, message, details);
  }
}

/** A backend that was named and is not available. Exit 4. */
export class BackendError extends TdcError {
  constructor(message: string, details?: Details) {
    super('backend', 4, message, details);
  }
}

/** A gate that does not hold: no plan, or a failed check. Exit 5. */
export class GateError extends TdcError {
  constructor(message: string, details?: Details) {
    super('gate', 5, message, details);
  }
}
