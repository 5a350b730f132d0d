//! What stands outside the scratch folder, and whether anybody was at it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

const SECRET: &str = "specc-canary-7f3a";

/// Leaves a mark as soon as it is loaded, whatever the loader thinks of it.
const LIBRARY: &str = r#"
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void loaded(void) {
  int file = open(MARK, O_CREAT | O_WRONLY, 0666);
  if (file >= 0) close(file);
}
"#;

/// A folder that everybody may write, with a file that everybody may read, and sockets.
pub struct Outside {
    dir: tempfile::TempDir,
    port: TcpListener,
    socket: UnixListener,
}

impl Outside {
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("specc-out-").tempdir_in("/tmp").expect("a folder");
        let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
        open(dir.path(), 0o777);
        let secret = dir.path().join("secret");
        fs::write(&secret, format!("{SECRET}\n")).expect("a file");
        open(&secret, 0o644);
        let port = TcpListener::bind("127.0.0.1:0").expect("a port");
        port.set_nonblocking(true).expect("a port");
        let path = dir.path().join(".s.PGSQL.5432");
        let socket = UnixListener::bind(&path).expect("a socket");
        socket.set_nonblocking(true).expect("a socket");
        open(&path, 0o777);
        let outside = Self { dir, port, socket };
        outside.compile();
        outside
    }

    /// Without a C compiler there is no library: what would load it fails then for want of it.
    fn compile(&self) {
        let source = self.dir.path().join("evil.c");
        fs::write(&source, LIBRARY).expect("a file");
        let mark = format!("-DMARK=\"{}\"", self.dir.path().join("touched").display());
        let library = self.dir.path().join("evil.so");
        let _ = Command::new("cc").args(["-shared", "-fPIC", &mark, "-o"]).arg(&library).arg(&source).output();
        fs::remove_file(&source).expect("a file");
    }

    /// The text with the places in it: `{dir}`, `{port}`.
    pub fn fill_in(&self, text: &str) -> String {
        let port = self.port.local_addr().expect("an address").port();
        text.replace("{dir}", &self.dir.path().to_string_lossy()).replace("{port}", &port.to_string())
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
        let secret = fs::read_to_string(self.dir.path().join("secret")).unwrap_or_default();
        if secret != format!("{SECRET}\n") {
            found.push("the secret is another".into());
        }
        while self.port.accept().is_ok() {
            found.push("the port".into());
        }
        while self.socket.accept().is_ok() {
            found.push("the socket".into());
        }
        (!found.is_empty()).then(|| found.join(", "))
    }
}
