/** Reads the address before anything is asked: what is imported after this sees the view that it holds. */

import { syncAddress } from "./url";

syncAddress();
