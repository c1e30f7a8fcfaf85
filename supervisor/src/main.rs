//! The `clearing` binary.
fn main() {}
