/** Restores the view from the address. Import it before modules that send questions. */

import { syncAddress } from "./url";

syncAddress();
