import { makeAdoptionFixture } from '../../../test/support/engine/adoption-fixture.ts';
import { adoptionConformance } from '../adoption-conformance.ts';

adoptionConformance('process', makeAdoptionFixture);
