/** Why units cannot shrink, as the end of a sentence about the layer that makes them. */
export type Reason = string;

/**
 * The smallest things that can be removed: numbered units, and which of them must go together (union-find). A pinned unit stays,
 * and with it all those that are tied to it.
 */
export class Units {
  readonly #parent: number[] = [];
  readonly #reasons = new Map<number, Reason>();

  /** New units, each free and alone. */
  create(n: number): Int32Array {
    const start = this.#parent.length;
    const created = Int32Array.from({ length: n }, (_, i) => start + i);
    for (const unit of created) this.#parent.push(unit);
    return created;
  }

  /** The representative of all units that go together with this one. */
  find(unit: number): number {
    let root = unit;
    while (this.#parent[root] !== root) root = this.#parent[root];
    for (let at = unit; at !== root;) {
      const next = this.#parent[at];
      this.#parent[at] = root;
      at = next;
    }
    return root;
  }

  /** Ties units place by place. Both lists have the same length. */
  tie(a: Int32Array, b: Int32Array): void {
    for (let i = 0; i < a.length; i++) this.#union(a[i], b[i]);
  }

  #union(a: number, b: number): void {
    const [left, right] = [this.find(a), this.find(b)];
    if (left === right) return;
    this.#parent[right] = left;
    const reason = this.#reasons.get(left) ?? this.#reasons.get(right);
    this.#reasons.delete(right);
    if (reason !== undefined) this.#reasons.set(left, reason);
  }

  /** Keeps units from ever being removed. The first reason given stands, unless a later one is `decisive`. */
  pin(units: Int32Array | null, reason: Reason, decisive = false): void {
    for (const unit of units ?? []) {
      const root = this.find(unit);
      if (decisive || !this.#reasons.has(root)) this.#reasons.set(root, reason);
    }
  }

  /** Why a unit cannot be removed; undefined when it can. */
  reasonOf(unit: number): Reason | undefined {
    return this.#reasons.get(this.find(unit));
  }
}
