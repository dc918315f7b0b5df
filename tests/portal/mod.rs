//! Portals and saved files.

pub(crate) mod bounds;
mod credentials;
mod faults;
mod files;
mod forms;
pub(crate) mod rogue_portal;
mod saved_files;
mod stamps;
