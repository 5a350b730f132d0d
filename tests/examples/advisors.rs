//! What Supabase's own advisors say of the specs: `cargo run -p specc-tests --example advisors -- PATH_OF_THE_CLI`
//!
//! Each spec is built and loaded into a private cluster, and `supabase db advisors` looks at it. Unused indexes are left
//! out: nobody has asked anything of a database that was just made.

#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::unwrap_used)]

use specc_tests::{Rows, database, forward::forward, specs};
use std::collections::BTreeMap;
use std::process::Command;

fn main() {
    let cli = std::env::args().nth(1).expect("the path of Supabase's CLI");
    for name in specs() {
        let db = database(&name, 15, Rows::Base);
        let port = forward(db.config("postgres"));
        let url = format!("postgresql://postgres@127.0.0.1:{port}/{}?sslmode=disable", db.name());
        let done = Command::new(&cli)
            .args(["db", "advisors", "--type", "all", "--level", "info", "--output-format", "json"])
            .arg(format!("--remote={url}"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let found: serde_json::Value = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{name}: {error}\n{text}{}", String::from_utf8_lossy(&done.stderr)));
        let mut counts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let list = found["results"].as_array().unwrap_or_else(|| panic!("{name}: {text}"));
        for finding in list {
            let said = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
            if said("name") != "unused_index" {
                counts.entry(format!("{} {}", said("level"), said("name"))).or_default().push(said("detail"));
            }
        }
        println!("{name}: {} kinds of findings", counts.len());
        for (kind, details) in counts {
            println!("  {kind}: {}", details.len());
            details.iter().for_each(|detail| println!("    {detail}"));
        }
    }
}
