//! Whole builds of generated projects, from a cold process: `cargo bench -p specc`.
//!
//! The generated spec has the shape that peers were measured with: entities of ten columns with two references and two
//! indexes, an enum for every ten entities, and a policy each, in a hundred files. Every figure is the best of five runs of
//! the release binary into an empty folder.
//!
//! `cargo bench -p specc -- generate 5000 DIR` only writes the project.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const FILES: usize = 100;
const RUNS: usize = 5;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [word, entities, dir] = args.as_slice()
        && word == "generate"
    {
        generate(entities.parse().expect("a number of entities"), Path::new(dir), false);
        return;
    }
    println!("{:>8}  {:>16}  {:>12}  {:>10}  {:>10}", "entities", "what", "wall", "peak MB", "out MB");
    for entities in [1000, 2500, 5000, 10000] {
        let project = tempfile::tempdir().expect("a folder");
        generate(entities, project.path(), false);
        for (what, only) in
            [("check", None), ("migrations", Some("migrations")), ("everything", Some("migrations,seeds,docs"))]
        {
            measure(project.path(), entities, what, only);
        }
        changed(project.path(), entities);
    }
}

/// One entity of a hundred has a column of another size and one more: what `diff` takes, and the build of the change.
fn changed(project: &Path, entities: usize) {
    let specc = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_specc"));
        command.args(args).arg("--project").arg(project).stderr(Stdio::piped()).stdout(Stdio::piped());
        let start = Instant::now();
        let done = command.output().expect("specc runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        (start.elapsed(), done)
    };
    specc(&["build", "--stamp", "20260101000000", "--only", "migrations"]);
    generate(entities, project, true);
    let runs = || (0..RUNS).map(|_| specc(&["diff", "--timings"]));
    let (best, done) = runs().min_by_key(|run| run.0).expect("a run");
    let lines = String::from_utf8_lossy(&done.stdout).lines().filter(|line| line.starts_with('~')).count();
    assert_eq!(lines, entities / 100, "an entity of a hundred changed");
    println!("{entities:>8}  {:>16}  {:>9} ms  {:>10}", "diff, 1 %", best.as_millis(), peak_of(&done.stderr));
    for line in String::from_utf8_lossy(&done.stderr).lines().filter(|line| line.contains(" ms ")) {
        println!("          {line}");
    }
    let (time, done) = specc(&["build", "--stamp", "20260102000000", "--only", "migrations", "--timings"]);
    println!("{entities:>8}  {:>16}  {:>9} ms  {:>10}", "its migration", time.as_millis(), peak_of(&done.stderr));
}

fn measure(project: &Path, entities: usize, what: &str, only: Option<&str>) {
    let mut best = Duration::MAX;
    let (mut peak, mut bytes, mut where_time_goes) = (0, 0, String::new());
    for _ in 0..RUNS {
        let out = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_specc"));
        match only {
            None => command.args(["check"]),
            Some(only) => command
                .args(["build", "--stamp", "20260101000000", "--timings", "--only", only, "--out"])
                .arg(out.path()),
        };
        command.arg("--project").arg(project).stderr(Stdio::piped());
        let start = Instant::now();
        let done = command.output().expect("specc runs");
        let time = start.elapsed();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        if time < best {
            best = time;
            where_time_goes = String::from_utf8_lossy(&done.stderr).into_owned();
        }
        peak = peak.max(peak_of(&done.stderr));
        bytes = size(out.path());
    }
    let mb = |n: u64| n as f64 / (1024.0 * 1024.0);
    println!("{entities:>8}  {what:>16}  {:>9} ms  {peak:>10}  {:>10.1}", best.as_millis(), mb(bytes));
    for line in where_time_goes.lines().filter(|line| line.contains(" ms ")) {
        println!("          {line}");
    }
}

/// The peak memory in MB that `--timings` says.
fn peak_of(stderr: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().find_map(|l| l.trim().strip_prefix("peak memory"));
    line.and_then(|l| l.trim().trim_end_matches(" MB").parse().ok()).unwrap_or(0)
}

fn size(dir: &Path) -> u64 {
    let entries = walkdir::WalkDir::new(dir).into_iter().flatten();
    entries.filter(|e| e.file_type().is_file()).filter_map(|e| e.metadata().ok()).map(|m| m.len()).sum()
}

/// Writes a project of `entities` entities.
fn generate(entities: usize, dir: &Path, changed: bool) {
    std::fs::create_dir_all(dir).expect("the folder");
    std::fs::write(dir.join("specc.toml"), "name = \"bench\"\ntarget = \"supabase\"\n").expect("settings");
    let enums = (entities / 10).max(1);
    let chunk = entities.div_ceil(FILES);
    for file in 0..FILES {
        let mut text = String::new();
        for n in (file * enums.div_ceil(FILES)..enums).take(enums.div_ceil(FILES)) {
            let _ = writeln!(text, "enum status_{n} {{ draft, active, archived }}\n");
        }
        for i in (file * chunk..entities).take(chunk) {
            entity(&mut text, i, enums, changed && i % 100 == 0);
        }
        std::fs::write(dir.join(format!("area_{file:03}.dbspec")), text).expect("a spec file");
    }
}

fn entity(text: &mut String, i: usize, enums: usize, changed: bool) {
    let (limit, more) = if changed { (160, "\n  note:        text?") } else { (120, "") };
    let (parent, group) = (i.saturating_sub(1), i / 2);
    let status = i % enums;
    let _ = write!(
        text,
        "entity t_{i} {{
  id:          uuid = gen_random_uuid()  key
  parent_id    -> t_{parent}?  on delete set null
  group_id     -> t_{group}  on delete cascade  as group
  name:        text
  slug:        varchar({limit})
  status:      status_{status} = 'draft'
  amount:      numeric(12, 2) = 0
  is_active:   boolean = true
  meta:        jsonb?
  created_at:  timestamptz = now(){more}

  index t_{i}_group_created_idx: (group_id, created_at)
  unique index t_{i}_slug_key: (slug)
}}

policy on t_{i} {{
  active_rows: allow select when is_active
  own_group:   allow update to authenticated when group_id = claims.group_id::uuid
}}

"
    );
}
