//! How long the docs of a large project take: `cargo run --release -p specc-docs --example docs_speed -- 5000`.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use specc_diag::Sources;
use specc_model::{Options, analyze};
use std::fmt::Write;
use std::time::Instant;

fn main() {
    let count: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(5000);
    let out = std::env::args().nth(2);
    let per_file = 50;
    let mut sources = Sources::new();
    let mut files = Vec::new();
    for file in 0..count.div_ceil(per_file) {
        let mut text = String::new();
        if file == 0 {
            text.push_str("enum state { draft, open, closed }\n");
        }
        for n in file * per_file..count.min((file + 1) * per_file) {
            let _ = write!(
                text,
                "/// The thing with number {n}.\nentity thing_{n} {{\n  id: uuid = gen_random_uuid() key\n"
            );
            if n > 0 {
                let _ = writeln!(text, "  parent_id -> thing_{} as parent on delete cascade", n * 7 / 8);
                let _ = writeln!(
                    text,
                    "  other_id -> thing_{}? as other inverse others_{n} on delete set null",
                    (n * 31) % n.min(40)
                );
            }
            text.push_str(
                "  title: text\n  state: state = 'draft'\n  amount: numeric(12, 2) = 0\n  created_at: timestamptz = now()\n  \
                 note: text?\n  check positive: amount >= 0\n  index (state, created_at desc)\n  workflow state {\n    -> draft\n    \
                 draft -> open\n    open -> closed when amount > 0\n  }\n  policy {\n    \
                 open_ones: allow select when state = 'open'\n    \
                 drafts: allow all to authenticated when state = 'draft'\n  }\n}\n",
            );
        }
        let id = sources.add(format!("area_{file:03}.dbspec"), text.clone());
        let (parsed, diagnostics) = specc_syntax::parse(id, &text);
        assert!(diagnostics.is_empty(), "{diagnostics:#?}");
        files.push(parsed);
    }
    let (model, diagnostics) = analyze(files, &mut sources, Options::default());
    assert!(!specc_diag::has_errors(&diagnostics), "{:#?}", diagnostics.first());
    let (catalog, _) = specc_lower::lower(&model);
    let options = specc_docs::Options { project: "speed".into(), ..Default::default() };
    for run in 1..=5 {
        let start = Instant::now();
        let files = specc_docs::generate(&model, &catalog, &options);
        let bytes: usize = files.iter().map(|file| file.contents.len()).sum();
        let time = start.elapsed();
        println!("run {run}: {count} entities, {} files, {:.1} MB in {time:.1?}", files.len(), bytes as f64 / 1e6);
        let start = Instant::now();
        let guides = specc_docs::package(&model, &catalog, &options, &specc_docs::Package::default());
        println!("       and {} of the guides in {:.1?}", guides.len(), start.elapsed());
        if let Some(out) = out.as_ref().filter(|_| run == 5) {
            for file in files {
                let path = std::path::Path::new(out).join(&file.path);
                std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
                std::fs::write(path, file.contents).expect("a file");
            }
        }
    }
}
