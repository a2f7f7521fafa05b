/** Cheap parts of tests/weather: they need no engine and run with all the others. */
const calm = ['tests/weather/check.test.ts']

/** The test files to run, as paths under `root`, sorted. `weather` as the only word chooses tests/weather. */
export async function testFiles(root: string, words: string[]): Promise<string[]> {
  const isWeather = words.length === 1 && words[0] === 'weather'
  const found: string[] = []
  for (const folder of ['apps', 'lib', 'tests'])
    for await (const path of new Bun.Glob(`${folder}/**/*.test.{ts,tsx}`).scan({ cwd: root }))
      if (!path.includes('node_modules/')) found.push(path)

  const isApart = (path: string) =>
    (path.startsWith('tests/weather/') && !calm.includes(path)) || path.startsWith('tests/bench/')
  return found
    .filter((path) => (isWeather ? path.startsWith('tests/weather/') : !isApart(path)))
    .filter((path) => isWeather || words.length === 0 || words.some((word) => path.includes(word)))
    .sort()
}
