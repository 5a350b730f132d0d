//! A server's socket under a port of this machine, for programs that know hosts only.

use postgres::config::Host;
use std::net::{Shutdown, TcpListener};
use std::os::unix::net::UnixStream;

/// A port of this machine that leads to the cluster's socket, as long as the process lives.
///
/// # Panics
/// Where the cluster has no socket.
pub fn forward(config: postgres::Config) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let Some(Host::Unix(dir)) = config.get_hosts().first() else { panic!("a socket") };
    let socket = dir.join(format!(".s.PGSQL.{}", config.get_ports().first().unwrap_or(&5432)));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = UnixStream::connect(&socket).unwrap();
            let (mut there, mut back) = ((client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client));
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut there.0, &mut there.1);
                let _ = there.1.shutdown(Shutdown::Write);
            });
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut back.0, &mut back.1);
                let _ = back.1.shutdown(Shutdown::Write);
            });
        }
    });
    port
}
