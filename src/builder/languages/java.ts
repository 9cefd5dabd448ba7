import { TinderboxError } from '../../model/errors.ts';
import { programPlan } from '../interpreted.ts';
import type { AddedFile, BuildStep, LanguageBuilder, SourceView } from '../language-builder.ts';
import { readEntry } from '../read-entry.ts';

const mainFile = 'tinderbox_main/Main.java';

/**
 * The JVM: a class that implements the JDK's own `com.sun.net.httpserver.HttpHandler`, in a server. With a pom.xml Maven builds
 * it, in whatever language its plugins compile; without one the Java sources are compiled as they are.
 */
export const java: LanguageBuilder = {
  name: 'java',
  signs: [/^pom\.xml$/, /^[^/]+\.java$/],
  async plan(view, order) {
    const handler = await findHandlerClass(view);
    const maven = view.files.has('pom.xml');
    const files: readonly AddedFile[] = [{ path: mainFile, text: await readEntry('java/Main.java') }];
    const path = maven ? 'classes:target/classes:lib/*' : 'classes';
    const process = `java -XX:+UseSerialGC -cp ${path} tinderbox.Main ${handler}`;
    const steps = maven ? [mavenStep, javacStep([mainFile])] : [javacStep([...sourcesOf(view), mainFile])];
    return programPlan(order, { process, mode: 'http' }, { steps, files, tools: maven ? ['javac', 'mvn'] : ['javac'] });
  },
};

/** Java would look for a home folder in the list of users, which the build's own is not in. */
const mavenStep: BuildStep = {
  name: 'maven',
  tool: 'mvn',
  args: [
    '--batch-mode',
    '--no-transfer-progress',
    '-Dmaven.repo.local={cache}/maven',
    '-DskipTests',
    'compile',
    'dependency:copy-dependencies',
    '-DincludeScope=runtime',
    '-DoutputDirectory=lib',
  ],
  env: { MAVEN_OPTS: '-Duser.home={home}' },
  path: ['javac'],
};

function javacStep(sources: readonly string[]): BuildStep {
  return { name: 'javac', tool: 'javac', args: ['-encoding', 'UTF-8', '-d', 'classes', ...sources] };
}

function sourcesOf(view: SourceView): readonly string[] {
  return [...view.files.keys()].filter((path) => path.endsWith('.java') && !/(^|\/)(test|tests)\//.test(path)).sort();
}

/** The first class whose head, up to its body, says that it implements HttpHandler. */
function handlerClassOf(text: string): string | undefined {
  for (const head of text.split('{')) {
    const named = [...head.matchAll(/\bclass\s+(\w+)/g)].at(-1);
    if (named === undefined) continue;
    const parents = head
      .slice(named.index)
      .split(/\bimplements\b|:/)
      .slice(1);
    if (parents.some((parent) => /\bHttpHandler\b/.test(parent))) return named[1];
  }
  return undefined;
}

/** The class that serves, with its package; the one called Handler where there are several. */
async function findHandlerClass(view: SourceView): Promise<string> {
  const sources = [...view.files.keys()].filter(
    (path) => /\.(java|kt|scala|groovy)$/.test(path) && !/(^|\/)tests?\//.test(path),
  );
  const found: string[] = [];
  for (const path of sources) {
    const text = (await view.read(path)) ?? '';
    const name = handlerClassOf(text);
    if (name === undefined) continue;
    const folder = /^[ \t]*package\s+([\w.]+)/m.exec(text)?.[1];
    found.push(folder === undefined ? name : `${folder}.${name}`);
  }
  const chosen = found.find((name) => /(^|\.)Handler$/.test(name)) ?? found[0];
  if (chosen !== undefined) return chosen;
  throw new TinderboxError('invalid', 'no handler found: no class implements com.sun.net.httpserver.HttpHandler', {
    hint: 'define class Handler implements HttpHandler in Handler.java; build.gradle is not read, write a pom.xml',
  });
}
