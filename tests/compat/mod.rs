//! Lakes of earlier releases, and other readers of the tables.

mod golden;
mod readers;
