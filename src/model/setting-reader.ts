import { TinderboxError } from './errors.ts';

/** Where a setting may stand: `label KEY` or `annotation KEY`. */
export type Place = `label ${string}` | `annotation ${string}`;

/** Reads settings of one function and remembers which of them were given, and where. */
export class SettingReader<Name extends string> {
  readonly origins: Partial<Record<Name, string>> = {};
  readonly #labels: Readonly<Record<string, string>>;
  readonly #annotations: Readonly<Record<string, string>>;

  constructor(labels: Readonly<Record<string, string>>, annotations: Readonly<Record<string, string>>) {
    this.#labels = labels;
    this.#annotations = annotations;
  }

  /**
   * The setting `name` as `parse` makes it of its text and of the name of its place, else the fallback. Throws `invalid`
   * when two places say it.
   */
  read<T>(name: Name, places: readonly Place[], fallback: T, parse: (text: string, what: string) => T): T {
    const [where, other] = places.filter((place) => this.text(place) !== undefined);
    if (where === undefined) return fallback;
    if (other !== undefined) {
      throw new TinderboxError('invalid', `${where} and ${other} say the same; give one of them`);
    }
    this.origins[name] = where;
    return parse(this.text(where) ?? '', where);
  }

  /** What stands at a place. */
  text(place: Place): string | undefined {
    const space = place.indexOf(' ');
    const key = place.slice(space + 1);
    return place.startsWith('label ') ? this.#labels[key] : this.#annotations[key];
  }
}
