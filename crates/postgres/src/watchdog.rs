//! The process that clears a server away when ours has ended.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::binaries::Install;
use crate::error::Error;
use crate::files::User;

/// What it runs.
pub(crate) const WATCHDOG: &str = include_str!("watchdog.sh");

/// The process that outlives us just long enough to clear the server and its folder away.
pub(crate) struct Watchdog {
    pipes: Mutex<Option<(ChildStdin, BufReader<ChildStdout>)>>,
    child: Mutex<Child>,
}

impl Watchdog {
    pub(crate) fn spawn(install: &Install, dir: &Path, user: Option<User>) -> Result<Self, Error> {
        let mut command = plain(Path::new("/bin/sh"));
        command.arg("-c").arg(WATCHDOG).arg("specc-postgres").arg(install.bin()).arg(dir);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        if let Some(User { uid, gid }) = user {
            command.uid(uid).gid(gid);
        }
        let mut child = command.spawn().map_err(Error::io("run", "/bin/sh"))?;
        let pipes = child.stdin.take().zip(child.stdout.take().map(BufReader::new));
        Ok(Self { pipes: Mutex::new(pipes), child: Mutex::new(child) })
    }

    /// Has the watchdog do something and waits for its answer.
    pub(crate) fn tell(&self, verb: &str, what: &'static str, dir: &Path) -> Result<(), Error> {
        let mut answer = String::new();
        let told = match lock(&self.pipes).as_mut() {
            Some((input, output)) => writeln!(input, "{verb}").and_then(|()| output.read_line(&mut answer)),
            None => Ok(0),
        };
        match told {
            Ok(_) if answer.trim() == "0" => Ok(()),
            _ => Err(Error::Server { what, log: log_end(dir) }),
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        *lock(&self.pipes) = None;
        let _ = lock(&self.child).wait();
    }
}

/// A program of the system, with no more of our environment than finding libraries takes.
pub(crate) fn plain(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").env_clear();
    for name in ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"] {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
    // A group of its own: what ends our group with a signal must leave it to clear away.
    command.process_group(0);
    command
}

/// The last lines of the log of the cluster in this folder.
pub(crate) fn log_end(dir: &Path) -> String {
    let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// A value that is as good after a panic of another thread.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
