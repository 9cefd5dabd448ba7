import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { suite, test } from 'node:test';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { useBrowser } from '../support/browser.ts';
import { deployFiles } from '../support/deploy.ts';
import { type TestPlatform, usePlatform } from '../support/platform.ts';
import { until } from '../support/until.ts';

const fixtures = resolve(import.meta.dirname, '../fixtures');
const hello = { 'handler.js': "module.exports = async () => 'hi';\n" };

function credentialsOf(platform: TestPlatform): { readonly username: string; readonly password: string } {
  const [username = '', password = ''] = Buffer.from(platform.authorization.slice(6), 'base64').toString().split(':');
  return { username, password };
}

/** What a person sees in the row of a function, line by line. */
async function rowOf(page: Page, name: string): Promise<string> {
  const row = page.getByRole('row').filter({ has: page.getByText(name, { exact: true }) });
  await row.waitFor();
  return (await row.innerText()).replaceAll(/\s+/g, ' ');
}

suite('the portal in a real browser', () => {
  test('lets in who has the password, shows functions as they come and sleep, and fits a narrow window', async (t) => {
    const browser = await useBrowser(t);
    if (browser === undefined) return;
    const platform = await usePlatform(t);
    const open = async (options: BrowserContextOptions): Promise<{ page: Page; problems: string[] }> => {
      const page = await (await browser.newContext(options)).newPage();
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(String(error)));
      page.on('console', (message) => problems.push(message.text()));
      return { page, problems };
    };

    const stranger = await open({ httpCredentials: { username: 'admin', password: 'wrong' } });
    const refused = await stranger.page.goto(platform.portalUrl);
    assert.equal(refused?.status(), 401);
    assert.match(await stranger.page.innerText('body'), /which file holds the password/);

    const { page, problems } = await open({ httpCredentials: credentialsOf(platform) });
    await page.goto(platform.portalUrl);
    await page.getByText('No functions yet').waitFor();
    assert.equal(await page.getByRole('table').isVisible(), false);

    await deployFiles(platform, 'hello', hello);
    const url = `${platform.url}/function/hello`;
    await until('it runs', async () => /\bready\b/.test(await rowOf(page, 'hello')), 30_000);
    assert.equal(await page.getByRole('link', { name: url }).getAttribute('href'), url);
    await (await fetch(url)).text();
    assert.equal((await platform.cli(['scale', 'hello', '0'])).code, 0);
    await until('it sleeps', async () => /asleep 0\/0 1 hello:1/.test(await rowOf(page, 'hello')), 30_000);

    await page.setViewportSize({ width: 360, height: 700 });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
    assert.match(await rowOf(page, 'hello'), /asleep/);
    assert.deepEqual(problems, []);
  });

  test('works when it is opened by an address that holds the password', async (t) => {
    const browser = await useBrowser(t);
    if (browser === undefined) return;
    const platform = await usePlatform(t);
    await deployFiles(platform, 'hello', hello);
    const page = await browser.newPage();
    await page.goto(Object.assign(new URL(platform.portalUrl), credentialsOf(platform)).href);
    assert.match(await rowOf(page, 'hello'), /ready 1\/1/);
  });

  test("a function's page in the browser of somebody logged in reads nothing of it and changes nothing", async (t) => {
    const browser = await useBrowser(t);
    if (browser === undefined) return;
    const platform = await usePlatform(t);
    await deployFiles(platform, 'page', {
      'handler.js': readFileSync(join(fixtures, 'hostile-page', 'handler.js'), 'utf8'),
    });
    // The browser sends the password to the portal and to the API whenever they ask for it.
    const context = await browser.newContext({ httpCredentials: credentialsOf(platform) });
    const page = await context.newPage();
    await page.goto(`${platform.url}/function/page?portal=${encodeURIComponent(platform.portalUrl)}`);
    await page.waitForFunction(() => 'results' in window, undefined, { timeout: 60_000 });
    const results = await page.evaluate(() => (window as unknown as { results: Record<string, string> }).results);
    assert.equal(Object.keys(results).length, 9);
    for (const [attempt, outcome] of Object.entries(results)) {
      assert.match(outcome, /^(failed|403 basic requests from pages of other sites are refused)/, attempt);
    }

    // A frame of the portal stays empty; a window with it opens, as by any link, but the page has no hand on it.
    await page.getByRole('button').click();
    const [, portal] = await until(
      'the window is there',
      () => context.pages().length === 2 && context.pages(),
      60_000,
    );
    assert.ok(portal);
    assert.match(await rowOf(portal, 'page'), /ready/);
    assert.ok(await page.evaluate(() => (window as unknown as { opened: Window }).opened.closed));
    for (const frame of page.frames().slice(1)) assert.doesNotMatch(await frame.content(), /Functions are served at/);

    const functions = (await (await platform.fetch('/system/functions')).json()) as { name: string }[];
    assert.deepEqual(
      functions.map(({ name }) => name),
      ['page'],
    );
  });
});
