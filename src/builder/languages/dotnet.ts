import { unbuiltError } from '../../model/unbuilt-languages.ts';
import type { LanguageBuilder } from '../language-builder.ts';

/** C# and F#: refused, since no toolchain of theirs can be had from Debian; what was published elsewhere runs. */
export const dotnet: LanguageBuilder = {
  name: 'dotnet',
  signs: [/\.(csproj|fsproj|sln)$/],
  async plan() {
    throw unbuiltError('dotnet', 'a project of .NET');
  },
};
