//! The page in Chromium, and the geometry of what it draws.

mod geometry;
mod page;
