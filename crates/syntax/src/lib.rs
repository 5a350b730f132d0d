//! The .dbspec grammar, syntax tree, parser and formatter.
//!
//! ```
//! use specc_diag::FileId;
//! let (file, findings) = specc_syntax::parse(FileId(0), "entity tags {\n  name: text key\n}\n");
//! assert!(findings.is_empty());
//! assert_eq!(file.items.len(), 1);
//! ```

mod accept;
pub mod ast;
mod build;
mod explain;
mod grammar;
mod merge;
mod print;
mod scan;

pub use print::print;

use ast::{FileIdEq, SpecFile};
use specc_diag::{Diagnostic, FileId, Span, codes};

/// Reads one file. What is not understood is reported and left out; everything around it is in the tree.
pub fn parse(file: FileId, text: &str) -> (SpecFile, Vec<Diagnostic>) {
    let scan = scan::scan(file, text);
    let built = build::build(file, &scan);
    let mut findings = explain::without_echoes(&scan, built.findings);
    if built.left_out > 0 {
        let message = format!("{} more findings about this file are left out", built.left_out);
        let end = Span::new(file, text.len(), text.len());
        findings.push(Diagnostic::new(codes::SYNTAX, end, message).help("mend the others first"));
    }
    let accepts = accept::accepts(file, &scan, &built.items, &mut findings);
    specc_diag::sort(&mut findings);
    let comments = scan::comments(file, &scan, &built.used_docs);
    (SpecFile { file: FileIdEq(file), items: built.items, comments, accepts }, findings)
}

/// Brings a file into the one canonical layout. Comments and documentation survive; a file with errors is left alone.
///
/// A layout never changes what a file means: where it would (an expression that ends in an operator takes in the line
/// that comes to stand below it, and is wrong anyway), the text stays as it is.
pub fn fmt(text: &str) -> Result<String, Vec<Diagnostic>> {
    let (file, findings) = parse(FileId(0), text);
    if specc_diag::has_errors(&findings) {
        return Err(findings);
    }
    let laid_out = print::print_source(&file, text);
    let (again, findings) = parse(FileId(0), &laid_out);
    let same = !specc_diag::has_errors(&findings)
        && again.items == file.items
        && accept::places(&again) == accept::places(&file);
    Ok(if same { laid_out } else { text.to_owned() })
}
