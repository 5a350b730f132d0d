//! Formats the file named and prints it.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

fn main() {
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        match specc_syntax::fmt(&text) {
            Ok(text) => print!("{text}"),
            Err(findings) => println!("{findings:#?}"),
        }
    }
}
