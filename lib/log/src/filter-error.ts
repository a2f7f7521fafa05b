import { LogError } from './port.ts'

/** What does not fit the grammar, and where: the place counts characters of `where` from 0, or entries of `types`. */
export class FilterError extends LogError {
  constructor(
    message: string,
    readonly position: number,
    readonly part: 'where' | 'types' = 'where',
  ) {
    super('invalid_filter', `${message} (${part === 'where' ? `at character ${position}` : `type ${position}`}).`)
  }
}
