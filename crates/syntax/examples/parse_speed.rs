//! Measures the parser on a generated project: `cargo run --release -p specc-syntax --example parse_speed [entities]`.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use specc_diag::FileId;
use std::fmt::Write;
use std::time::Instant;

fn generate(entities: usize) -> String {
    let mut out = String::new();
    let enums = (entities / 10).max(1);
    for e in 0..enums {
        let _ = writeln!(out, "enum status_{e} {{\n  draft\n  active\n  archived\n}}\n");
    }
    for i in 0..entities {
        let _ = write!(
            out,
            "/// Rows of kind {i}.
entity t_{i} {{
  id:         uuid = gen_random_uuid()  key
  parent_id   -> t_{parent}?            on delete set null
  group_id    -> t_{group}              on delete cascade
  name:       text
  slug:       varchar(120)
  status:     status_{status} = 'draft'
  amount:     numeric(12, 2) = 0
  is_active:  boolean = true            // what is shown
  meta:       jsonb?
  created_at: timestamptz = now()

  check amount_is_positive: amount >= 0
  index t_{i}_group_created_idx: (group_id, created_at desc)
  unique index (slug) where is_active and status <> 'archived'
}}

policy on t_{i} {{
  sel: allow select                when is_active
  upd: allow update to authenticated when group_id = (claims.gid)::uuid and exists parent.members (user_id = viewer)
}}

",
            parent = i.saturating_sub(1),
            group = i / 2,
            status = i % enums,
        );
    }
    out
}

/// Nanoseconds that this thread has run, so that a busy machine does not blur the figure; wall time where unknown.
fn cpu_time(start: Instant) -> f64 {
    let ran = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ran = ran.and_then(|line| line.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()));
    ran.map_or(start.elapsed().as_secs_f64(), |ns| ns / 1e9)
}

fn main() {
    let entities = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(2500);
    let text = generate(entities);
    let megabytes = text.len() as f64 / 1e6;
    let clock = Instant::now();
    let mut best = f64::MAX;
    for _ in 0..15 {
        let start = cpu_time(clock);
        let (file, findings) = specc_syntax::parse(FileId(0), &text);
        best = best.min(cpu_time(clock) - start);
        assert!(findings.is_empty() && file.items.len() > entities);
    }
    println!("{megabytes:.2} MB, {:.1} ms, {:.1} MB/s", best * 1e3, megabytes / best);
}
