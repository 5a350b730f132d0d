//! Runs the programs that come with Postgres. Passwords go by environment, never as arguments.

use crate::address::Address;
use crate::binaries::{self, Install};
use crate::error::Error;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

/// The installed programs that fit a server best: of its major version, else of the next one after it.
pub fn for_server(major: u32) -> Result<Install, Error> {
    let fits = binaries::find_all().into_iter().filter(|install| {
        install.major() >= major && install.program("pg_dump").is_file() && install.program("pg_restore").is_file()
    });
    fits.reduce(|best, next| if next.major() < best.major() { next } else { best }).ok_or_else(|| {
        let mut found: Vec<_> = binaries::find_all().iter().map(|install| install.version().to_owned()).collect();
        found.sort();
        found.dedup();
        Error::NoPrograms { major, found: if found.is_empty() { "none".into() } else { found.join(", ") } }
    })
}

/// Runs a program to its end. Returns what it said on standard error.
pub fn run(install: &Install, name: &str, address: Option<&Address>, args: &[String]) -> Result<String, Error> {
    let mut command = command(install, name, address, args);
    let output = command.output().map_err(Error::io("run", install.program(name)))?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(said) } else { Err(Error::Program { name: name.to_owned(), said }) }
}

/// Runs a program and gives its standard output to `take` while it comes.
///
/// # Errors
/// The first of `take`'s error and the program's own.
pub fn stream<E: From<Error>>(
    install: &Install,
    name: &str,
    address: Option<&Address>,
    args: &[String],
    take: impl FnOnce(&mut dyn Read) -> Result<(), E>,
) -> Result<(), E> {
    // What it says on standard error is little; a file takes it, so that neither waits for the other.
    let said = tempfile::tempfile().map_err(Error::io("create a file in", std::env::temp_dir()))?;
    let sink = said.try_clone().map_err(Error::io("create a file in", std::env::temp_dir()))?;
    let mut command = command(install, name, address, args);
    let mut child =
        command.stdout(Stdio::piped()).stderr(sink).spawn().map_err(Error::io("run", install.program(name)))?;
    let taken = match child.stdout.take() {
        Some(output) => take(&mut BufReader::with_capacity(1 << 16, output)),
        None => Ok(()),
    };
    let status = child.wait().map_err(Error::io("run", install.program(name)))?;
    taken?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Program { name: name.to_owned(), said: text_of(said) }.into())
}

/// Opens a file to be read.
pub fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(Error::io("read", path))
}

/// Makes a file that only its owner may read.
pub fn create(path: &Path) -> Result<File, Error> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = File::options();
    options.write(true).create_new(true).mode(0o600).open(path).map_err(Error::io("create", path))
}

fn text_of(mut file: File) -> String {
    use std::io::Seek;
    let mut text = String::new();
    let _ = file.rewind().and_then(|()| file.read_to_string(&mut text));
    text.trim().to_owned()
}

fn command(install: &Install, name: &str, address: Option<&Address>, args: &[String]) -> Command {
    let mut command = Command::new(install.program(name));
    command.args(args).stdin(Stdio::null());
    // Nothing but the address says where to go.
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("PG") {
            command.env_remove(variable);
        }
    }
    if let Some(address) = address {
        command.envs(address.variables());
    }
    command
}

/// Restores those entries of a dump whose line in its list is wanted. Returns what `pg_restore` said on standard error.
pub fn restore_listed(
    install: &Install,
    address: &Address,
    dump: &Path,
    args: &[String],
    wanted: &dyn Fn(&str) -> bool,
) -> Result<String, Error> {
    let dump = dump.display().to_string();
    let mut list = String::new();
    stream(install, "pg_restore", None, &["--list".to_owned(), dump.clone()], |output| -> Result<(), Error> {
        output.read_to_string(&mut list).map_err(Error::io("read", &dump)).map(drop)
    })?;
    let kept: String =
        list.lines().filter(|line| line.starts_with(';') || wanted(line)).map(|line| format!("{line}\n")).collect();
    let temporary = std::env::temp_dir();
    let mut file = tempfile::NamedTempFile::new().map_err(Error::io("create a file in", &temporary))?;
    std::io::Write::write_all(&mut file, kept.as_bytes()).map_err(Error::io("write", file.path()))?;
    let mut all = vec![format!("--use-list={}", file.path().display())];
    all.extend_from_slice(args);
    all.push(dump);
    run(install, "pg_restore", Some(address), &all)
}
