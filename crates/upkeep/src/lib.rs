//! Upkeep of a lake: what was done to it, whether it is whole, what may go, and what must.
