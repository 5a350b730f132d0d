//! Parses the files named and prints the findings and the tree.
use specc_diag::{RenderOptions, Sources};
fn main() {
    let mut sources = Sources::new();
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let id = sources.add(path, text.clone());
        let (file, findings) = specc_syntax::parse(id, &text);
        println!("{file:#?}");
        println!("{findings:#?}");
    }
    let _ = (sources, RenderOptions::default());
}
