import { TinderboxError } from '../../model/errors.ts';
import type { LanguageBuilder } from '../language-builder.ts';

/** C# and F#: refused, since no toolchain of theirs can be had from Debian; what was published elsewhere runs. */
export const dotnet: LanguageBuilder = {
  name: 'dotnet',
  signs: [/\.(csproj|fsproj|sln)$/],
  async plan() {
    throw new TinderboxError(
      'invalid',
      'C# and other languages of .NET are not built here: Debian has no SDK for them',
      {
        hint:
          "with Microsoft's SDK (https://dot.net) run dotnet publish -c Release -r linux-x64 --self-contained -o out, " +
          'and send the folder out with lang exec and the program as fprocess',
      },
    );
  },
};
