//! What Supabase's own advisors say of the specs: `cargo run -p specc-tests --example advisors -- PATH_OF_THE_CLI`
//!
//! Each spec is built and loaded into a private cluster, and `supabase db advisors` looks at it. Unused indexes are left
//! out: nobody has asked anything of a database that was just made.

#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::unwrap_used)]

use postgres::config::Host;
use specc_tests::{Rows, database, specs};
use std::collections::BTreeMap;
use std::net::{Shutdown, TcpListener};
use std::os::unix::net::UnixStream;
use std::process::Command;

/// A port of this machine that leads to the cluster's socket: the CLI knows hosts only.
fn forward(config: postgres::Config) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let Some(Host::Unix(dir)) = config.get_hosts().first() else { panic!("a socket") };
    let socket = dir.join(format!(".s.PGSQL.{}", config.get_ports().first().unwrap_or(&5432)));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = UnixStream::connect(&socket).unwrap();
            let (mut there, mut back) = ((client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client));
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut there.0, &mut there.1);
                let _ = there.1.shutdown(Shutdown::Write);
            });
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut back.0, &mut back.1);
                let _ = back.1.shutdown(Shutdown::Write);
            });
        }
    });
    port
}

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
