//! Encrypted connections: each `sslmode` checks what libpq checks.

#![allow(clippy::disallowed_methods)]

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use specc_postgres::{Address, Cluster, Options, binaries};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

/// What the server says of our connection, or why there is none.
fn connect(port: u16, host: &str, more: &str) -> Result<String, String> {
    let url = format!("postgresql://supabase_admin@{host}:{port}/postgres?{more}");
    let address = Address::resolve(Some(&url), |_| None).map_err(|error| error.to_string())?;
    let mut session = address.connect().map_err(|error| error.to_string())?;
    let row = session.query_one("select coalesce(version, 'plain') from pg_stat_ssl where pid = pg_backend_pid()", &[]);
    Ok(row.map_err(|error| error.to_string())?.get(0))
}

#[test]
fn each_mode_checks_what_it_should() {
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &root).unwrap();
    let files = tempfile::tempdir().unwrap();
    let trusted = files.path().join("root.pem");
    fs::write(&trusted, root.pem()).unwrap();
    let other = files.path().join("other.pem");
    let stranger = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    fs::write(&other, params.self_signed(&stranger).unwrap().pem()).unwrap();

    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = [("listen_addresses", "127.0.0.1".to_owned()), ("port", port.to_string())];
    let settings = settings.map(|(name, value)| (name.to_owned(), value)).to_vec();
    // The wheel of 18 is built without TLS.
    // A confined server has no network.
    let options = Options { settings, confined: false, ..Options::default() };
    let cluster = Cluster::start_with(&binaries::find(15).unwrap(), &options).unwrap();

    // Without encryption there, `prefer` goes without and `require` does not go.
    assert_eq!(connect(port, "localhost", "").unwrap(), "plain");
    let said = connect(port, "localhost", "sslmode=require").unwrap_err();
    assert!(said.contains("cannot connect to supabase_admin@localhost/postgres"), "{said}");

    let data = cluster.dir().join("data");
    let owner = fs::metadata(&data).unwrap();
    for (name, text) in [("server.crt", certificate.pem()), ("server.key", key.serialize_pem())] {
        let path = data.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    let mut admin = Address::resolve(Some(&format!("postgresql://supabase_admin@localhost:{port}/postgres")), |_| None)
        .unwrap()
        .connect()
        .unwrap();
    admin.batch_execute("alter system set ssl = on").unwrap();
    admin.batch_execute("select pg_reload_conf()").unwrap();
    drop(admin);
    let mut tries = 0;
    while connect(port, "localhost", "sslmode=require").is_err() && tries < 200 {
        tries += 1;
        std::thread::sleep(std::time::Duration::from_millis(20));
    }

    let (trusted, other) = (trusted.display().to_string(), other.display().to_string());
    let with = |mode: &str, file: &str| format!("sslmode={mode}&sslrootcert={file}");
    for more in ["", "sslmode=prefer", "sslmode=require", &with("verify-full", &trusted), &with("verify-ca", &trusted)]
    {
        assert_eq!(connect(port, "localhost", more).as_deref(), Ok("TLSv1.3"), "{more}");
    }
    assert_eq!(connect(port, "localhost", "sslmode=disable").as_deref(), Ok("plain"));
    // Another name for it, and another root.
    assert!(connect(port, "127.0.0.1", &with("verify-full", &trusted)).is_err());
    assert_eq!(connect(port, "127.0.0.1", &with("verify-ca", &trusted)).as_deref(), Ok("TLSv1.3"));
    for mode in ["verify-full", "verify-ca", "require"] {
        assert!(connect(port, "localhost", &with(mode, &other)).is_err(), "{mode}");
    }
    let said = connect(port, "localhost", &with("verify-full", "/nowhere.pem")).unwrap_err();
    assert!(said.contains("cannot read the certificates in /nowhere.pem"), "{said}");
}
