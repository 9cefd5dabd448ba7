import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDockerfile } from './dockerfile.ts';

test('images, variables and commands are read, over comments and continued lines', () => {
  const text = [
    'ARG PYTHON_VERSION=3.12',
    'FROM --platform=${TARGETPLATFORM:-linux/amd64} registry.example/of-watchdog:0.11.3 AS watchdog',
    'FROM python:${PYTHON_VERSION}-alpine AS build',
    '# a note',
    'RUN apk add curl \\',
    '# in between',
    '    && pip install -r requirements.txt',
    'FROM build AS ship',
    'ENV fprocess="python index.py" mode=http',
    'ENV upstream_url http://127.0.0.1:5000',
    "env GREETING='hello you'",
    'CMD ["fwatchdog"]',
  ].join('\n');
  assert.deepEqual(parseDockerfile(text), {
    env: {
      fprocess: 'python index.py',
      mode: 'http',
      upstream_url: 'http://127.0.0.1:5000',
      GREETING: 'hello you',
    },
    images: ['registry.example/of-watchdog:0.11.3', 'python:${PYTHON_VERSION}-alpine'],
    commands: ['apk add curl && pip install -r requirements.txt'],
  });
});

test('what is no Dockerfile says nothing', () => {
  assert.deepEqual(parseDockerfile('{"a": 1}\n\0\n'), { env: {}, images: [], commands: [] });
});
