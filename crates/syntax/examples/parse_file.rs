//! Parses the files named and prints the findings, and with `--tree` the tree.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use specc_diag::{RenderOptions, Sources};

fn main() {
    let mut sources = Sources::new();
    let tree = std::env::args().any(|a| a == "--tree");
    for path in std::env::args().skip(1).filter(|a| a != "--tree") {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let id = sources.add(path, text.clone());
        let (file, findings) = specc_syntax::parse(id, &text);
        if tree {
            println!("{file:#?}");
        }
        for finding in &findings {
            println!("{}", specc_diag::render(finding, &sources, RenderOptions::default()));
        }
    }
}
