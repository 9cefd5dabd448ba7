/** A program of the machine that builds, or functions, need. */
export interface Tool {
  /** Names it may have, the wanted one first. */
  readonly programs: readonly string[];
  /** Folders beside those of the path, where its usual installation puts it. */
  readonly folders?: readonly string[];
  /** Arguments that print its version; absent: what it makes does not depend on that. */
  readonly version?: readonly string[];
  /** How to get it, as one line for the person who waits for the build. */
  readonly advice: string;
}

const apt = (names: string): string => `install it for all users, on Debian and Ubuntu with: apt-get install ${names}`;

const rustAdvice = `${apt('rustc-web cargo-web')} (or rustc and cargo where they are 1.70 or newer); what rustup puts into a home folder is closed to builds`;

/** Every tool there is, by the name steps call it. npm and pip have ways of their own (toolchain.ts). */
export const tools = {
  make: { programs: ['make'], advice: apt('make gcc') },
  sh: { programs: ['sh'], advice: apt('dash') },
  cp: { programs: ['cp'], advice: apt('coreutils') },
  go: {
    programs: ['go'],
    folders: ['/usr/local/go/bin', '/usr/lib/go/bin'],
    version: ['version'],
    advice: `${apt('golang-go')}; a newer one from https://go.dev/dl is found in /usr/local/go`,
  },
  cc: { programs: ['cc', 'gcc', 'clang'], advice: apt('gcc libc6-dev') },
  rustc: { programs: ['rustc'], version: ['--version'], advice: rustAdvice },
  cargo: { programs: ['cargo'], version: ['--version'], advice: rustAdvice },
  javac: { programs: ['javac'], version: ['-version'], advice: apt('default-jdk-headless') },
  mvn: { programs: ['mvn'], version: ['--version'], advice: apt('maven') },
  ruby: { programs: ['ruby'], version: ['--version'], advice: apt('ruby ruby-webrick') },
  bundle: { programs: ['bundle', 'bundler'], advice: apt('ruby-bundler') },
  php: { programs: ['php'], version: ['--version'], advice: apt('php-cli') },
  composer: { programs: ['composer'], advice: apt('composer') },
  perl: { programs: ['perl'], version: ['--version'], advice: apt('perl') },
  cpanm: { programs: ['cpanm'], advice: apt('cpanminus') },
  lua: { programs: ['lua5.4'], version: ['-v'], advice: apt('lua5.4') },
  luarocks: { programs: ['luarocks'], advice: apt('luarocks liblua5.4-dev') },
  cobc: { programs: ['cobc'], version: ['--version'], advice: apt('gnucobol') },
} as const satisfies Record<string, Tool>;

/** What a step names. `node`, `npm`, `python` and `pip` are found by what they can do, the rest by their name. */
export type ToolName = 'node' | 'npm' | 'python' | 'pip' | keyof typeof tools;
