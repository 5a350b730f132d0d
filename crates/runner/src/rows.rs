//! The rows of a dump, as `pg_restore` writes them, into tables of our choice in a transaction of ours.

use crate::{Error, Refused, ServerError};
use specc_postgres::{Install, Session, programs};
use specc_split::{Lexer, TokenKind};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

/// Gives a block of rows its table; its columns as written, with their brackets.
pub(crate) type Target<'a> = &'a mut dyn FnMut(&str, &str) -> String;

/// Copies every block of rows that `pg_restore` writes with these arguments, and sets the sequences that it sets.
/// Returns the columns of the last block.
pub(crate) fn copy(
    session: &mut Session,
    install: &Install,
    dump: &Path,
    args: &[String],
    target: Target<'_>,
) -> Result<Option<String>, Error> {
    let mut all = vec!["--data-only".into(), "--file=-".into()];
    all.extend_from_slice(args);
    all.push(dump.display().to_string());
    let mut columns = None;
    programs::stream(install, "pg_restore", None, &all, |output: &mut dyn Read| -> Result<(), Error> {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while read(&mut output, &mut line)? {
            let text = String::from_utf8_lossy(&line).into_owned();
            if let Some((table, list)) = block(&text) {
                let sql = format!("copy {} {list} from stdin", target(table, list));
                rows(session, &sql, &mut output, &mut line)?;
                columns = Some(list.to_owned());
            } else if text.starts_with("SELECT pg_catalog.setval(") {
                session.batch_execute(&text)?;
            }
        }
        Ok(())
    })?;
    Ok(columns)
}

fn read(output: &mut dyn BufRead, line: &mut Vec<u8>) -> Result<bool, Error> {
    line.clear();
    let n = output.read_until(b'\n', line).map_err(|error| Refused::new(format!("cannot read the dump: {error}")))?;
    Ok(n > 0)
}

/// Table and columns of `COPY public.t (a, b) FROM stdin;`.
fn block(line: &str) -> Option<(&str, &str)> {
    let rest = line.trim_end().strip_prefix("COPY ")?.strip_suffix(" FROM stdin;")?;
    let opening = Lexer::new(rest).map_while(Result::ok).find(|token| token.kind == TokenKind::Symbol(b'('));
    match opening.map(|token| token.start) {
        Some(at) => Some((rest[..at].trim_end(), &rest[at..])),
        None => Some((rest, "")),
    }
}

fn rows(session: &mut Session, sql: &str, output: &mut dyn BufRead, line: &mut Vec<u8>) -> Result<(), Error> {
    let refused =
        |said: String| Error::from(Refused::new(format!("the rows do not fit: {said}")).help("nothing was changed"));
    let mut writer = match session.copy_in(sql) {
        Ok(writer) => writer,
        Err(error) => return Err(refused(ServerError::of(&error).to_string())),
    };
    loop {
        if !read(output, line)? {
            return Err(Refused::new("the dump ends in the middle of a table").help("nothing was changed").into());
        }
        if line.as_slice() == b"\\.\n" {
            break;
        }
        writer.write_all(line).map_err(|error| refused(error.to_string()))?;
    }
    match writer.finish() {
        Ok(_) => Ok(()),
        Err(error) => Err(refused(ServerError::of(&error).to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::block;

    #[test]
    fn blocks_are_told_from_other_lines() {
        assert_eq!(block("COPY public.a (id, \"b (c\") FROM stdin;\n"), Some(("public.a", "(id, \"b (c\")")));
        assert_eq!(block("COPY \"x (y\".a (id) FROM stdin;\n"), Some(("\"x (y\".a", "(id)")));
        assert_eq!(block("COPY public.none FROM stdin;\n"), Some(("public.none", "")));
        assert_eq!(block("SELECT pg_catalog.setval('public.s', 3, true);\n"), None);
    }
}
