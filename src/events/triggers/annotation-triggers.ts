import type { FunctionSpec } from '../../model/function.ts';
import { defaultDelivery, type TriggerSpec } from '../../model/trigger.ts';
import { isSubject } from '../sources/nats/subject.ts';
import { cronTopic, scheduleOf } from '../schedule/parse-schedules.ts';

type Annotated = Pick<FunctionSpec, 'namespace' | 'name' | 'annotations'>;

/** Of triggers that annotations make: no trigger that is stored can have this sign in its name. */
const sign = ':';

/**
 * The triggers a function has by OpenFaaS's annotations, named `FUNCTION:TOPIC`. `topic` lists topics separated by commas:
 * with `cron-function` among them `schedule` counts; where `nats` is set, every other one that is a subject of NATS is
 * subscribed to, as nats-connector does, which knows no second attempt.
 */
export function annotationTriggers(spec: Annotated, nats: boolean): readonly TriggerSpec[] {
  const { namespace, name, annotations } = spec;
  const topics = (annotations['topic'] ?? '').split(',').map((topic) => topic.trim());
  const base = { namespace, function: name, method: 'POST', path: '/', headers: {}, paused: false } as const;
  const schedule = scheduleOf(annotations);
  const made: TriggerSpec[] = [];
  if (schedule !== undefined) made.push({ ...base, name: `${name}${sign}${cronTopic}`, kind: 'schedule', schedule });
  if (!nats) return made;
  for (const topic of new Set(topics)) {
    if (topic === cronTopic || !isSubject(topic)) continue;
    const delivery = { ...defaultDelivery, attempts: 1 };
    made.push({ ...base, name: `${name}${sign}${topic}`, kind: 'nats', nats: { subject: topic }, delivery });
  }
  return made;
}

export function isAnnotationName(name: string): boolean {
  return name.includes(sign);
}
