//! How long a scratch server takes until it answers, the first time on a machine and afterwards.
//!
//! `cargo run --release -p specc-postgres --example start -- [--version 15]`

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use specc_postgres::Cluster;
use std::time::Instant;

fn main() {
    let version = std::env::args().skip_while(|word| word != "--version").nth(1);
    let version = version.map_or(15, |text| text.parse().expect("a version"));
    for n in 1..=6 {
        let start = Instant::now();
        let cluster = Cluster::start(version).unwrap_or_else(|error| panic!("{error}"));
        let up = start.elapsed();
        let start = Instant::now();
        let database = cluster.platform_database().expect("a database");
        database.connect().expect("a session");
        println!(
            "start {n}: {} ms, a database with the platform {} ms more",
            up.as_millis(),
            start.elapsed().as_millis()
        );
    }
}
