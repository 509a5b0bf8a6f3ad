/** Where a member stands; the roster's own to write. */
export interface Seated {
  seat: number
}

/**
 * A set of objects that come and go by the thousand each second. V8's own Set leaves the tables that it has outgrown in a chain:
 * once one of them is old, whoever stood in those after it stays alive until the next full collection, which made the collector
 * copy every finished call (docs/decisions/speed.md).
 */
export class Roster<Member extends Seated> implements Iterable<Member> {
  readonly #members: Member[] = []

  get size(): number {
    return this.#members.length
  }

  /** Once for each member. */
  add(member: Member): void {
    member.seat = this.#members.length
    this.#members.push(member)
  }

  /** Of a member that was added. */
  delete(member: Member): void {
    const last = this.#members.pop()!
    if (last === member) return
    this.#members[member.seat] = last
    last.seat = member.seat
  }

  /** Those that are there now, whoever leaves meanwhile. */
  [Symbol.iterator](): Iterator<Member> {
    return [...this.#members].values()
  }
}
