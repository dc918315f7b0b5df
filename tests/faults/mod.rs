//! Faults of disks, stores and processes, concurrency, hostile input.

mod crash;
mod disk_full;
mod forget_concurrency;
mod fuzz;
mod power_loss;
mod race;
mod soak;
pub(crate) mod store_faults;
