//! What stands outside the scratch folder, and whether anybody was at it.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const SECRET: &str = "specc-canary-7f3a";

/// Touches whatever it can as soon as it is loaded, whatever the loader thinks of it, by the numbers that the
/// x32 variant gives the calls too, and breaks off where it could
/// make no mark and yet have a namespace of users.
const LIBRARY: &str = r#"
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
static int mark(void) {
  int file = open(DIR "/touched", O_CREAT | O_WRONLY, 0666);
  return file < 0 ? -1 : close(file);
}
static void visit(long variant) {
  struct sockaddr_in port = { .sin_family = AF_INET, .sin_port = htons(PORT) };
  port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  struct sockaddr_un path = { .sun_family = AF_UNIX, .sun_path = DIR "/.s.PGSQL.5432" };
  long one = syscall(variant | SYS_socket, AF_INET, SOCK_STREAM, 0);
  if (one >= 0) syscall(variant | SYS_connect, one, &port, sizeof port);
  long other = syscall(variant | SYS_socket, AF_UNIX, SOCK_STREAM, 0);
  if (other >= 0) syscall(variant | SYS_connect, other, &path, sizeof path);
}
static void namespaces(void) {
  long long flags[8] = { CLONE_NEWUSER };
  long child = syscall(SYS_clone3, flags, sizeof flags);
  if (child == 0) _exit(0);
  if (child > 0) _exit(1);
}
__attribute__((constructor)) static void loaded(void) {
  int secret = open(DIR "/secret", O_RDWR | O_TRUNC);
  if (secret >= 0) close(secret);
  int marked = mark();
  if (system("echo >" DIR "/touched2") == 0) mark();
  visit(0);
#ifdef __x86_64__
  visit(0x40000000);
#endif
  if (marked < 0) namespaces();
}
"#;

/// A folder that everybody may write, with a file that everybody may read, and sockets.
pub struct Outside {
    dir: tempfile::TempDir,
    port: u16,
    /// How many have come to the two sockets.
    visits: [(&'static str, Arc<AtomicUsize>); 2],
}

/// Counts who comes, and sends everybody away at once: whoever waits for an answer hears of it after it was counted.
fn count<T: Send + 'static>(mut accept: impl FnMut() -> io::Result<T> + Send + 'static) -> Arc<AtomicUsize> {
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visits);
    thread::spawn(move || {
        while let Ok(visitor) = accept() {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(visitor);
        }
    });
    visits
}

impl Outside {
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("specc-out-").tempdir_in("/tmp").expect("a folder");
        let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
        open(dir.path(), 0o777);
        let secret = dir.path().join("secret");
        fs::write(&secret, format!("{SECRET}\n")).expect("a file");
        open(&secret, 0o644);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let path = dir.path().join(".s.PGSQL.5432");
        let socket = UnixListener::bind(&path).expect("a socket");
        open(&path, 0o777);
        let visits = [("the port", count(move || listener.accept())), ("the socket", count(move || socket.accept()))];
        let outside = Self { dir, port, visits };
        outside.compile();
        outside
    }

    /// Without a C compiler there is no library: what would load it fails then for want of it.
    fn compile(&self) {
        let source = self.dir.path().join("evil.c");
        fs::write(&source, LIBRARY).expect("a file");
        let dir = format!("-DDIR=\"{}\"", self.dir.path().display());
        let port = format!("-DPORT={}", self.port);
        let _ =
            Command::new("cc").args(["-shared", "-fPIC", &dir, &port, "-o"]).arg(self.library()).arg(&source).output();
        fs::remove_file(&source).expect("a file");
    }

    /// The library that touches what it can.
    pub fn library(&self) -> PathBuf {
        self.dir.path().join("evil.so")
    }

    /// The text with the places in it: `{dir}`, `{port}`.
    pub fn fill_in(&self, text: &str) -> String {
        text.replace("{dir}", &self.dir.path().to_string_lossy()).replace("{port}", &self.port.to_string())
    }

    /// Whether the text has what stands in the file.
    pub fn is_secret(&self, text: &str) -> bool {
        text.contains(SECRET)
    }

    /// What was touched since the last call. It is as new afterwards.
    pub fn touched(&self) -> Option<String> {
        const OWN: [&str; 3] = ["secret", "evil.so", ".s.PGSQL.5432"];
        let mut found = Vec::new();
        for entry in fs::read_dir(self.dir.path()).expect("a folder").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !OWN.contains(&name.as_str()) {
                let _ = fs::remove_file(entry.path()).or_else(|_| fs::remove_dir_all(entry.path()));
                found.push(name);
            }
        }
        let path = self.dir.path().join("secret");
        let secret = fs::read_to_string(&path).unwrap_or_default();
        if secret != format!("{SECRET}\n") {
            fs::write(&path, format!("{SECRET}\n")).expect("a file");
            found.push("the secret is another".into());
        }
        let visited = self.visits.iter().filter(|(_, visits)| visits.swap(0, Ordering::SeqCst) > 0);
        found.extend(visited.map(|(name, _)| (*name).to_owned()));
        (!found.is_empty()).then(|| found.join(", "))
    }
}
