import { engineConformance } from '../conformance.ts';
import { makeProcessFixture } from '../../../test/support/engine/process-fixture.ts';

engineConformance('process', () => makeProcessFixture());
