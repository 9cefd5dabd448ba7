// Writes the tables of docs/openfaas.md from what the tests say they cover.
import { readFileSync, writeFileSync } from 'node:fs';
import { collectClaims, openfaasPage, renderPage } from '../test/support/openfaas-table.ts';

writeFileSync(openfaasPage, renderPage(readFileSync(openfaasPage, 'utf8'), collectClaims()));
