//! How many expressions a second are parsed, by kind.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use specc_diag::{FileId, Span};
use std::hint::black_box;
use std::time::Instant;

fn main() {
    for text in [
        "0",
        "'draft'",
        "now()",
        "gen_random_uuid()",
        "status",
        "capacity > 0",
        "organizer_id = viewer",
        "status in ('published', 'completed') and deleted_at is null",
        "exists startup.members (user_id = viewer and role in ('owner', 'admin', 'member'))",
        "(auth.jwt() -> 'app_metadata' ->> 'role') = 'admin'",
        "now() + interval '7 days'",
    ] {
        let at = Span::new(FileId(0), 0, text.len());
        let rounds = 50_000;
        let start = Instant::now();
        for _ in 0..rounds {
            black_box(specc_expr::parse_expr(black_box(text), at).ok());
        }
        let parse = start.elapsed();
        let ns = |d: std::time::Duration| d.as_nanos() / rounds;
        println!("{:>6} ns  {text}", ns(parse));
    }
}
