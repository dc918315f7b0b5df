//! Rebuilds when a file that is embedded appears, changes or goes.

fn main() {
    println!("cargo::rerun-if-changed=../../queries");
}
