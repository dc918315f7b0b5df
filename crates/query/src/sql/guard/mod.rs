//! Guards of SQL that users write.
//!
//! **Threat model.** The author of a statement may be any client of the server: a well-meaning user with a mistake, or
//! an attacker. Such a statement must not
//!
//! - write to the lake, read files that are not tables of it, or change the session: [`read_only`];
//! - overflow the stack of the thread that parses, plans or drops it: [`depth`];
//! - end the process by a panic of the engine: [`panics`];
//! - take the memory of other requests: [`request_memory_pool`]. Its spill files are bounded by [`crate::Engine`].
//!
//! What these guards cannot prevent, such as a plan that never yields or memory that the engine does not account for, is
//! contained by the process: `lake-serve` runs each statement of a user in a worker with limits of memory and time, and
//! bounds the sizes of rows, plans and answers there. Rules that make answers correct are in `sql/rules`, not here.

pub(crate) mod depth;
pub(crate) mod panics;
pub(crate) mod read_only;
pub(crate) mod request_memory_pool;
