//! Reads expressions from the input, one a line, and says how each is understood.

#![allow(clippy::print_stdout)]

use specc_diag::{FileId, Sources, Span};
use std::io::BufRead;

fn main() {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let mut sources = Sources::new();
        sources.add("input", line.as_str());
        match specc_expr::parse_expr(&line, Span::new(FileId(0), 0, line.len())) {
            Ok(expr) => println!("{line}\n    {expr:?}"),
            Err(d) => {
                let at = d.span();
                println!("{line}\n!!  {} {} [{}]", d.code.name(), d.message, &line[at.start as usize..at.end as usize]);
            }
        }
    }
}
