import { troubleOf } from './trouble.ts'

/** The same object; whenever one of its methods fails because the file is damaged, somebody is told before it throws. */
export function watched<T extends object>(object: T, damaged: (error: unknown) => void): T {
  return new Proxy(object, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...words: readonly unknown[]): unknown => {
        try {
          return Reflect.apply(value, target, words)
        } catch (error) {
          if (troubleOf(error) === 'damaged') damaged(error)
          throw error
        }
      }
    },
  })
}
