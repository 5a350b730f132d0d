//! Whether two addresses lead to the same database. A server has several names.

use super::Address;

/// What the hosts of a list are called: in small letters, without a final dot, and behind Supabase's pooler, where the user says
/// which project it is, by the host of that.
pub fn host_names(host: &str, user: &str) -> Vec<String> {
    let mut hosts: Vec<String> = host.split(',').map(plain_host).collect();
    if let Some((_, project)) = user.split_once('.')
        && hosts.iter().any(|host| host.ends_with(".pooler.supabase.com"))
    {
        hosts.push(format!("db.{}.supabase.co", project.to_lowercase()));
    }
    hosts
}

/// A host in small letters, without a final dot.
pub fn plain_host(host: &str) -> String {
    host.trim_end_matches('.').to_lowercase()
}

/// The folder of a socket.
pub(super) fn is_folder(host: &str) -> bool {
    host.starts_with(['/', '@'])
}

/// This machine, by whatever name.
fn is_here(host: &str) -> bool {
    let number = host.parse::<std::net::IpAddr>();
    host == "localhost" || host.is_empty() || is_folder(host) || number.is_ok_and(|number| number.is_loopback())
}

impl Address {
    /// Whether both lead to the same database, as far as their names tell: whoever connects, and how.
    pub fn is_same_database(&self, other: &Self) -> bool {
        let same = |(a, at): &(String, String), (b, to): &(String, String)| {
            at == to && (a == b || is_here(a) && is_here(b) && !(is_folder(a) && is_folder(b)))
        };
        let others = other.servers();
        self.database() == other.database() && self.servers().iter().any(|own| others.iter().any(|it| same(own, it)))
    }

    /// Hosts with their ports. A project of Supabase has the same database at each of its ports.
    fn servers(&self) -> Vec<(String, String)> {
        let ports: Vec<&str> = self.get("port").split(',').collect();
        let port = |nth: usize| ports.get(nth).or(ports.first()).copied().unwrap_or_default();
        let named = [self.get("host"), self.get("hostaddr")].into_iter().filter(|list| !list.is_empty());
        let mut found = Vec::new();
        for list in named {
            for (nth, host) in host_names(list, self.user()).into_iter().enumerate() {
                let port = if host.ends_with(".supabase.co") { "" } else { port(nth) };
                found.push((host, port.to_owned()));
            }
        }
        found
    }
}
