/** What a YAML parser notes of a text. */
interface YamlError {
  readonly code: string;
  readonly message: string;
}

/** In our words and one line, without its place: the parser's own name its functions and the engine below it. */
export function yamlProblem({ code, message }: YamlError): string {
  if (code === 'RESOURCE_EXHAUSTION') return 'it is nested too deep to be read';
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here; one file holds one, without "---" between';
  return (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '');
}
