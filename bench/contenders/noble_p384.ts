/** noble, P-384: the suite for those who must stay with NIST curves. */
import { nobleP384 } from "../../core/voprf/noble_p384.ts";
import { ofSuite } from "./of_suite.ts";
import { serve } from "./serve.ts";

await serve(ofSuite(nobleP384));
