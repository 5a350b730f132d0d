//! The specc command line.

fn main() {}
