declare module '*.lua' {
  const text: string
  // biome-ignore lint/style/noDefaultExport: a text import has a default export
  export default text
}
