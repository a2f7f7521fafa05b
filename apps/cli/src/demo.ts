import { CliError, type Verb } from './context.ts'

/** One real task through all five services. */
export const demo: Verb = () => Promise.reject(new CliError('failed', 'The demo waits for the services.'))
